"""Names that other plugins may use to find our actions, menus and sections."""

from __future__ import annotations


class ClaudeActions:
    ToggleShare = "toggle_share_action"
    Stop = "stop_claude_action"
    PinConsole = "pin_console_action"
    ConnectClient = "connect_claude_code_action"
    CopyCode = "copy_claude_code_action"
    InsertCode = "insert_claude_code_action"
    PutOnInputLine = "put_claude_code_on_input_line_action"
    ExportNotebook = "export_notebook_action"
    ExportScript = "export_script_action"
    ShowLooks = "show_looks_action"
    ShowMyCells = "show_my_cells_action"
    ShowFilter = "show_filter_action"
    Clear = "clear_calls_action"


class ClaudeOptionsMenuSections:
    Connect = "connect_section"
    View = "view_section"
    Export = "export_section"
    Clear = "clear_section"


class ClaudeToolbarSections:
    Main = "main_section"


class ClaudeWidgets:
    ShareBar = "claude_share_bar"
    Status = "claude_status"
