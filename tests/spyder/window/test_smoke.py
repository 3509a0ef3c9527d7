import pytest
pytestmark=[pytest.mark.slow]
def test_loaded(window, pane, qtbot):
    assert pane is not None
    pane.share_action.setChecked(True)
    qtbot.waitUntil(lambda: pane.sharing.status.phase.value=="shared", timeout=20000)
    print(pane.sharing.status)
    import os,glob
    print(glob.glob(os.environ["COKERNEL_STATE_DIR"]+"/**",recursive=True))
    pane.share_action.setChecked(False)
