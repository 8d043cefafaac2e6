"""The trust gate: hostile pickles are refused by name, honest ones pass, and nothing runs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import NotAModelError, ReadError, UntrustedCodeError
from scaffold.read import read_artifact

P = pickle


@pytest.fixture(autouse=True)
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every payload would create PWNED in the current directory: it may never exist."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("PWNED*"))


def write(content: bytes, name: str = "model.pkl") -> Path:
    path = Path.cwd() / name
    path.write_bytes(content)
    return path


def refused(content: bytes) -> list[str]:
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(write(content))
    return [name for name, _, _ in caught.value.names]


class Reduced:
    """An object that pickles as a given call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def text(value: str) -> bytes:
    data = value.encode()
    return P.SHORT_BINUNICODE + bytes([len(data)]) + data


def named(module: str, qualname: str) -> bytes:
    return text(module) + text(qualname) + P.STACK_GLOBAL


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + P.MARK + b"".join(arguments) + P.TUPLE + P.REDUCE


def whole(*body: bytes) -> bytes:
    return P.PROTO + b"\x04" + b"".join(body) + P.STOP


TOUCH = text("touch PWNED")


def test_the_message_names_the_code_its_byte_and_how_to_trust_it() -> None:
    path = write(whole(P.GLOBAL, b"posix\nsystem\n", TOUCH, P.TUPLE1, P.REDUCE))
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(path)
    assert str(caught.value) == (
        "Refused as unsafe: model.pkl names code that scaffold does not run unasked.\n"
        "  posix.system at byte 2\n"
        "If you made this file and expect that: scaffold new ... --trust posix.system"
    )


def test_a_pickle_without_a_result_is_not_a_model() -> None:
    with pytest.raises(NotAModelError, match="at byte 2 stands an opcode that does not fit"):
        read_artifact(write(whole()))


def test_a_trusted_name_passes_and_no_other() -> None:
    body = called(named("posix", "system"), TOUCH) + P.POP + called(named("os", "popen"), TOUCH)
    path = write(whole(body))
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(path, trusted=["posix.system"])
    assert [name for name, _, _ in caught.value.names] == ["os.popen"]
    both = read_artifact(path, trusted=["posix.system", "os.popen"])
    assert [g.dotted for g in both.globals] == ["posix.system", "os.popen"]


REFUSED_NAMES = """
    os.system posix.system nt.system os.popen os.remove subprocess.Popen subprocess.check_output pty.spawn
    builtins.eval builtins.exec builtins.compile builtins.open builtins.__import__ builtins.globals
    builtins.vars builtins.breakpoint builtins.input builtins.setattr builtins.delattr __builtin__.eval
    importlib.import_module importlib.__import__ importlib.reload runpy.run_path runpy.run_module
    code.interact operator.methodcaller _operator.methodcaller functools.singledispatchmethod.register
    types.CodeType types.FunctionType.x marshal.loads pickle.loads pickle.load pickle.Unpickler
    _pickle.loads shelve.open dill.loads cloudpickle.loads cloudpickle.cloudpickle.loads
    cloudpickle.cloudpickle.pickle.loads joblib.load joblib.numpy_pickle.load
    joblib.numpy_pickle_utils._reconstruct
    joblib.externals.loky.process_executor.ProcessPoolExecutor timeit.timeit trace.Trace cProfile.run
    profile.run bdb.Bdb pdb.run doctest.debug_script unittest.main webbrowser.open
    socket.create_connection urllib.request.urlopen http.client.HTTPConnection ftplib.FTP smtplib.SMTP
    ctypes.CDLL shutil.rmtree tempfile.mktemp pathlib.Path.unlink pathlib.Path.write_text io.open
    codecs.open logging.config.listen logging.FileHandler logging.os.system threading.Thread
    multiprocessing.Process asyncio.run pydoc.locate pydoc.pipepager pkgutil.resolve_name sys.exit
    sys.modules site.main venv.create zipimport.zipimporter distutils.spawn.spawn setuptools.setup
    pip.main pip._internal.main idlelib.pyshell.main lib2to3.main.main random._os.system statistics.sys
    re.enum collections._sys json.codecs.open typing.sys.modules.x uuid.os.popen numpy.load numpy.save
    numpy.fromfile numpy.loadtxt numpy.genfromtxt numpy.DataSource numpy.testing._private.utils.runstring
    numpy.f2py.os.system numpy.f2py.capi_maps.load_f2cmap_file numpy.f2py.crackfortran.param_eval
    numpy.distutils.exec_command.exec_command numpy._core.multiarray.fromfile numpy.os.system
    numpy.lib.npyio.load numpy.ctypeslib.load_library pandas.read_pickle pandas.read_csv pandas.eval
    pandas.core.computation.eval.eval pandas.io.pickle.read_pickle pandas.io.common.os.system
    pandas.compat.pickle_compat.load pandas.core.frame.DataFrame.to_pickle pandas.HDFStore
    pandas.core.frame.DataFrame.eval pandas.core.config_init.os sklearn.os.system sklearn.base.os.system
    sklearn.datasets.fetch_openml sklearn.datasets.load_svmlight_file sklearn.utils._testing.TempMemmap
    sklearn.utils.fixes.os sklearn.tree._export.export_graphviz sklearn.tree.export_graphviz
    sklearn.externals._arff.load sklearn.utils.discovery.all_estimators scipy.io.loadmat
    scipy.io.netcdf_file scipy.datasets.face scipy._lib._ccallback.LowLevelCallable scipy.sparse.load_npz
    torch.load torch.save torch.hub.load torch.jit.load torch.fx.graph_module.reduce_graph_module
    torch._utils._import_dotted_name torch.utils.cpp_extension.load torch.utils._config_module.load_config
    torch.serialization.load torch.package.PackageImporter torch.distributed.rpc.rpc_sync
    torch.multiprocessing.spawn torch._inductor.codecache.compile_file torch.os.system
    torch.ops.load_library torch.storage._load_from_bytes.x torch.utils.collect_env.run
    torch.nn.modules.module.torch.os.system xgboost.core.os.system lightgbm.basic.ctypes.CDLL
    onnxruntime.InferenceSession statsmodels.iolib.smpickle.load_pickle polars.read_parquet
    polars.expr.expr.Expr pyarrow.lib.OSFile pyarrow.parquet.read_table pyarrow.fs.LocalFileSystem
    PIL.Image.open PIL.ImageShow.show PIL.ImageMath.eval patsy.eval.EvalEnvironment.eval
    scaffold.base.process.run_command scaffold.read._dump.dump_model scaffold.verbs.new.new pytest.main
    _pytest.config.main rich.console.Console jinja2.Template typer.launch copier.run_copy
    __main__.__builtins__.eval copyreg.pickle copyreg.add_extension gc.get_objects inspect.getsource
    weakref.finalize atexit.register signal.signal faulthandler.dump_traceback_later
    codeop.compile_command ensurepip.bootstrap getpass.getpass os.path.join posixpath.os.system ntpath.os
    glob.glob types.FunctionType.__globals__ builtins.object.__subclasses__ builtins.type.__call__
    builtins.str.format
"""


@pytest.mark.parametrize("dotted", REFUSED_NAMES.split())
def test_a_name_off_the_list_is_refused_however_it_is_split(dotted: str) -> None:
    parts = dotted.split(".")
    for cut in range(1, len(parts)):
        module, qualname = ".".join(parts[:cut]), ".".join(parts[cut:])
        body = called(named(module, qualname), TOUCH)
        with pytest.raises(ReadError):
            read_artifact(write(whole(body)))


@pytest.mark.parametrize("dotted", REFUSED_NAMES.split())
def test_a_name_that_may_not_be_called_may_mostly_not_be_mentioned(dotted: str) -> None:
    module, _, qualname = dotted.rpartition(".")
    with pytest.raises(ReadError):
        read_artifact(write(whole(named(module, qualname))))
