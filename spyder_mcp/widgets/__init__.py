"""What people see. No widget here knows a socket, a thread or a kernel."""
