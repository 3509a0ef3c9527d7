# Every target calls one Python command, so that Windows users can call the same: `python bridge/scripts/develop.py test`.
PYTHON ?= python3
DEVELOP = $(PYTHON) bridge/scripts/develop.py

.PHONY: setup test test-fast check bench demo spyder vscode vsix
setup test test-fast check bench demo spyder vscode vsix:
	$(DEVELOP) $@
