"""The machine code of a kernel holds all that it calls, under names of its own.

numba puts copies of the functions that a kernel calls into its machine code, optimised
once more, under names that the whole process shares.  Of several copies of one name the
process runs the one that came first: where the kernel was compiled, that of the called
function by itself; where it was loaded, the kernel's.  Their sums may be taken in
another order.  Here the names are the kernel's alone, so that its bits depend neither
on which process compiled it nor on what else is loaded.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder

SHARED = "NRT_"
"""Functions of numba that count references; numba finds them by their names."""


class ClosedLibrary(JITCodeLibrary):
    """Machine code in which every called function is a private copy."""

    def _optimize_final_module(self) -> None:
        # here everything has been linked in, and nothing of it is optimised further yet
        for function in self._final_module.functions:
            linked = function.linkage.name == "linkonce_odr"
            if linked and not function.name.startswith(SHARED):
                function.linkage = "internal"
        super()._optimize_final_module()


class ClosedCompiler(CompilerBase):
    """numba's usual compiler of a function, with a ClosedLibrary for the result."""

    def define_pipelines(self) -> list[Any]:
        """Return numba's usual passes; they write into the library that is there."""
        state: Any = self.state
        name = state.func_id.func_qualname
        state.library = ClosedLibrary(state.targetctx.codegen(), name)
        state.library.enable_object_caching()
        return [DefaultPassBuilder.define_nopython_pipeline(state)]
