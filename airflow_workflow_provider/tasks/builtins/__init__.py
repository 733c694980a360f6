"""The built-in tasks: a module each, named like the task, with one :class:`~tasks.builtin.Builtin` called ``TASK``."""
