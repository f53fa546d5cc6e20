"""Door: pages in a browser. What a reader's own links lead to; nothing here is open without one."""
