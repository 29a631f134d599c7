"""The BPF programs: C that needs no header of the kernel, and the objects made of it, which are committed."""
