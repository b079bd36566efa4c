"""Machine code: made from a kernel's source by numba, and loaded by LLVM alone."""

from __future__ import annotations

import ctypes
import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm


@cache
def processor() -> tuple[str, str]:
    """The name of this machine's processor and what it can do, in LLVM's words."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def build(source: str, name: str, symbol: str) -> tuple[bytes, list[str]]:
    """The object code of the function ``name`` of ``source`` under the name ``symbol``, and what it calls from outside.

    numba makes LLVM's code of the function and of all that it calls. It is entered here with C's calling convention;
    numba's own entry would also print exceptions, for which it needs Python. A kernel raises none: it writes a code
    where its table looks (``runtime.py``).
    """
    from numba.core import compiler, registry, types
    from numba.core.compiler_lock import global_compiler_lock

    file = f"<kernel {name} {symbol}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for numba's messages
    namespace: dict[str, Any] = {"__name__": file}
    exec(compile(source, file, "exec"), namespace)
    function = namespace[name]
    function = getattr(function, "py_func", function)

    target = registry.cpu_target
    parameters = (types.int64, types.int64, types.CPointer(types.int64))
    flags = compiler.Flags()
    options = {"nopython": True, "fastmath": {"contract"}, "error_model": "numpy", "boundscheck": False}
    target.options.parse_as_flags(flags, options)
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    with global_compiler_lock, _whole():
        result = compiler.compile_extra(
            target.typing_context, target.target_context, function, parameters, types.void, flags, {}
        )
        library = result.library
        _add_entry(library, target.target_context, result.fndesc, symbol)
        module = library._final_module
        for needed in library._linking_libraries:
            module.link_in(needed._get_module_for_linking(), preserve=True)
        for defined in [*module.functions, *module.global_variables]:
            if not defined.is_declaration and defined.name != symbol:
                defined.linkage = "internal"  # another object may have its own by the same name
        library._optimize_final_module()
        _sweep(module, library.codegen._tm)
        outside = [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]
        return library.codegen._tm.emit_object(module), outside


@contextmanager
def _whole() -> Iterator[None]:
    """Meanwhile numba makes no machine code of the functions that a kernel calls: LLVM sees the kernel as a whole."""
    from numba.core import codegen

    def finalize(library: Any) -> None:
        for needed in dict.fromkeys(library._linking_libraries):
            library._final_module.link_in(needed._get_module_for_linking(), preserve=True)
        library._finalized = True

    library, made = codegen.JITCodeLibrary, codegen.JITCPUCodegen
    before = library.finalize, made.set_env
    library.finalize, made.set_env = finalize, lambda self, name, environment: None
    try:
        yield
    finally:
        library.finalize, made.set_env = before


def assemble(text: str) -> bytes:
    """The object code of LLVM's text, which is written as it should run: its variables go to registers, and no more.

    All that LLVM could do beside takes twenty times as long, and gains nothing on what ``loops.py`` writes.
    """
    machine = _machine()
    module = llvm.parse_assembly(text)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_dead_code_elimination_pass()
    passes.run(module, builder)
    return machine.emit_object(module)


@cache
def _machine() -> llvm.TargetMachine:
    _start()
    name, features = processor()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=2)


def _sweep(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Remove what nobody calls any more."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    passes.run(module, builder)


def _add_entry(library: Any, context: Any, function: Any, symbol: str) -> None:
    """``void symbol(int64, int64, int64*)``, which calls the function and drops numba's report of an exception."""
    from llvmlite import ir

    module = context.create_module(symbol)
    convention = context.call_conv
    inner = ir.Function(
        module, convention.get_function_type(function.restype, function.argtypes), function.llvm_func_name
    )
    words = [context.get_value_type(kind) for kind in function.argtypes]
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), words), symbol)
    builder = ir.IRBuilder(entry.append_basic_block())
    convention.call_function(builder, inner, function.restype, function.argtypes, entry.args)
    builder.ret_void()
    library.add_ir_module(module)


@cache
def _start() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _engine() -> llvm.ExecutionEngine:
    _start()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    return keep(llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine))


def keep(it: Any) -> Any:
    """Have an object outlive the interpreter: threads that are in machine code need it to the last."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(it))
    return it


def load(code: bytes, symbol: str, outside: list[str]) -> int:
    """The address of ``symbol`` after its object code has been put into memory, where it stays.

    Raises ``OSError`` for a name from ``outside`` that is nowhere to be found; LLVM would end the process.
    """
    for name in outside:
        if not llvm.address_of_symbol(name):
            _numba_symbols()
        if not llvm.address_of_symbol(name):
            raise OSError(f"the kernel {symbol} calls {name}, which this process does not have")
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine.get_function_address(symbol)


@cache
def _numba_symbols() -> None:
    """Have numba make known to LLVM the functions of its own runtime and of the mathematics library."""
    from numba.core import registry

    registry.cpu_target.target_context.refresh()
