"""The live view of `cokernel share`: what agents do in the shared kernel as it happens, and the keys to steer it.

`words` and `model` are pure; `call_list` and `detail` draw; `app` wires them to a bridge.
`python -m cokernel.share_view` shows it with a scripted bridge.
"""
