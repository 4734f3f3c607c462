"""Where adapters lie: what a user names becomes a file or folder on this machine (Hub, Hub's cache, zip)."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rankkit.checkpoints import settings
from rankkit.checkpoints.files.tensors import TensorInfo, Tensors
from rankkit.factors import Array

__all__ = ["Unpacked", "found", "is_cached", "unpacked"]

HUB = "hf://"
BESIDE = ("adapter_config.json", *settings.BESIDE)  # what is fetched with an adapter's tensors
CACHED, SNAPSHOTS = "models--", "snapshots"  # how the Hub's cache names its folders
MAIN = "main"
PATIENCE = 10  # seconds that the Hub has to say what is in a repository
COMMIT = re.compile(r"[\w.\-]{1,100}")
# org/name, perhaps with a revision and, behind hf:// alone, a folder
_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<repository>[\w.\-]+/[\w.\-]+)"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[\w.\-]+)(?P<within>(?:/[\w.\-]+)*))?/?"
)
_NAMED = re.compile(r"(?P<org>[\w.\-]+)/(?P<name>[\w.\-]+)(?:@(?P<revision>[\w.\-/]+?))?(?P<within>(?:/[\w.\-]+)*)/?")

MAX_INFLATION = 20  # unpacked bytes a packed one, of an archive of trained numbers
WORRY = 100_000_000  # bytes below which that does not matter
MOST_MEMBERS = 10_000
MOST_NAMED = 12  # folders that a message names
ADAPTER = re.compile(r".*\.(safetensors|json|npz|bin|pt|pth|lora|ckpt|gguf|yaml)", re.I)


def is_cached(folder: Path) -> bool:
    """Return whether a folder is one of the Hub's cache, whose subfolders are versions of one repository."""
    marked = folder.name.startswith(CACHED) or (folder / "refs").is_dir()
    return marked and (folder / SNAPSHOTS).is_dir()


def found(source: str | os.PathLike[str], pick: Callable[[list[str]], str] | None = None) -> Path:
    """Return the file or folder on this machine that a path, or a name on the Hugging Face Hub, means.

    Parameters
    ----------
    source : path or str
        A path; the folder of a repository in the Hub's cache; "hf://org/name", perhaps with "@revision" and the path
        of a folder or file behind it, or its address on the Hub; or "org/name", where no such path exists.
    pick : callable, optional
        File names of a repository's folder -> the one to fetch; None: only what is on this machine already is found.

    Raises
    ------
    ValueError
        If there is none: what was looked for, and how to fetch it.
    """
    path, text = Path(source), _short(os.fspath(source))
    if path.is_dir():
        return _snapshot(path)
    if path.exists():
        return path
    on_hub = text.startswith(HUB)
    named = _NAMED.fullmatch(text.removeprefix(HUB))
    if named is None or (
        not on_hub and (named["within"] or not isinstance(source, str) or Path(named["org"]).exists())
    ):
        raise ValueError(f"{path} does not exist; pass a folder or a tensor file.")
    repository, revision = f"{named['org']}/{named['name']}", named["revision"] or MAIN
    cached = _cache() / f"{CACHED}{named['org']}--{named['name']}"
    within = named["within"].strip("/")
    if (cached / SNAPSHOTS).is_dir():
        here = _snapshot(cached, revision) / within
        if here.is_file() or (here.is_dir() and any(here.iterdir())):
            return here
    return _fetched(repository, revision, within, pick)


def _short(text: str) -> str:
    """Return the name of what an address on the Hub is of; any other text as it is."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return text
    return f"{HUB}{match['repository']}{'@' + match['revision'] if match['revision'] else ''}{match['within'] or ''}"


def _cache() -> Path:
    """Return the folder in which huggingface_hub keeps what it has fetched, by the variables that it goes by."""
    if held := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(held)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home) / "hub"


def _snapshot(folder: Path, revision: str = MAIN) -> Path:
    """Return the snapshot that a folder of the Hub's cache holds; any other folder as it is."""
    if folder.name == SNAPSHOTS and folder.parent.name.startswith(CACHED):
        folder = folder.parent
    snapshots = folder / SNAPSHOTS
    if not is_cached(folder):
        return folder
    reference = folder / "refs" / revision
    commit = reference.read_text(errors="replace").strip() if reference.is_file() else revision
    if COMMIT.fullmatch(commit) and (snapshots / commit).is_dir():
        return snapshots / commit
    kept = sorted(entry for entry in snapshots.iterdir() if entry.is_dir())
    if len(kept) == 1 and revision == MAIN:
        return kept[0]
    names = ", ".join(entry.name for entry in kept[:3]) or "none"
    raise ValueError(f"{folder} has no snapshot for {revision} but {names}; name one of them.")


def _fetched(repository: str, revision: str, within: str, pick: Callable[[list[str]], str] | None) -> Path:
    """Return the folder with an adapter that huggingface_hub fetched, its tensors and configuration alone."""
    advice = f"fetch it with `hf download {repository} --local-dir FOLDER`, and pass the FOLDER"
    absent = f"{repository} is no file or folder here, and not in the Hub's cache"
    if pick is None:
        raise ValueError(f"{absent}; {advice}.")
    try:
        import huggingface_hub as hub
    except ImportError:
        raise ValueError(f"{absent}; huggingface_hub is not installed; {advice}.") from None
    try:
        # list_repo_files would try again for 20 seconds where there is no network
        about = hub.model_info(repository, revision=revision, timeout=PATIENCE)
        names = [entry.rfilename for entry in about.siblings or ()]
        folder = within.rpartition("/")[0] if within in names else within
        inside = f"{folder}/" if folder else ""
        there = [name.removeprefix(inside) for name in names if name.startswith(inside)]
        chosen = within.removeprefix(inside) if within in names else pick([name for name in there if "/" not in name])
        wanted = [f"{inside}{chosen.partition('.')[0]}*", *(f"{inside}{name}" for name in BESIDE)]
        fetch: Callable[..., str] = getattr(hub, "snapshot_download")  # noqa: B009  (its own type is half known)
        return Path(fetch(repository, revision=revision, allow_patterns=wanted)) / within
    except Exception as error:  # no network, no such repository, no permission, no space, ...
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise ValueError(f"{absent}; it could not be fetched ({said}); {advice}.") from None


def unpacked(path: Path, pick: Callable[[list[str]], str]) -> Path:
    """Return a new temporary folder with the files of the adapter that a zip holds.

    Parameters
    ----------
    path : Path
        The archive.
    pick : callable
        Names of files in one folder -> the one with the tensors, or ValueError.

    Raises
    ------
    ValueError
        If it is damaged, encrypted, holds no adapter or several, or its members are far larger than it is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist()[:MOST_MEMBERS] if ADAPTER.fullmatch(member.filename)]
            members = [member for member in members if not member.filename.startswith("__MACOSX/")]
            folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
            for member in members:
                folder, _, name = member.filename.rpartition("/")
                folders.setdefault(folder, {})[name] = member
            inside = _shallowest(path, folders, pick)
            size = sum(member.file_size for member in inside.values())
            if size > WORRY and size > MAX_INFLATION * path.stat().st_size:
                raise ValueError(f"{path} would unpack to {size} bytes, which no adapter does.")
            return _extracted(archive, inside)
    except ValueError:
        raise
    except Exception as error:  # a damaged archive may raise anything
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise ValueError(f"{path} is no sound zip: {said}.") from None


def _extracted(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> Path:
    """Return a new folder with members of an archive, under their bare names; none stays where one is damaged."""
    folder = Path(tempfile.mkdtemp(prefix="rankkit-"))
    try:
        for name, member in members.items():
            with archive.open(member) as packed, (folder / Path(name).name).open("wb") as out:
                shutil.copyfileobj(packed, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _shallowest(
    path: Path, folders: Mapping[str, dict[str, zipfile.ZipInfo]], pick: Callable[[list[str]], str]
) -> dict[str, zipfile.ZipInfo]:
    """Return the files of the outermost folder in an archive that holds tensors: those that an adapter needs."""
    trouble = ValueError(f"{path} holds no tensor file.")
    found: dict[str, str] = {}  # folder -> the file in it
    for folder in sorted(folders, key=_depth):
        if found and _depth(folder) > _depth(next(iter(found))):
            break
        try:
            found[folder] = pick(sorted(folders[folder]))
        except ValueError as error:
            trouble = ValueError(f"{path}: {error}")
    if not found:
        raise trouble
    (folder, chosen), *others = found.items()
    if others:
        raise ValueError(
            f"{path} holds several adapters: {', '.join(list(found)[:MOST_NAMED])}; unpack it, and pass one."
        )
    stem = chosen.partition(".")[0]
    kept = {name: member for name, member in folders[folder].items() if name.startswith(stem)}
    return kept | {name: member for name, member in folders[folder].items() if name.endswith((".json", ".yaml"))}


def _depth(folder: str) -> int:
    """Return how many folders lie around the files of an archive's folder."""
    return folder.count("/") + bool(folder)


class Unpacked:
    """The tensors of a file in a temporary folder, which is removed with them.

    Parameters
    ----------
    tensors : Tensors
    source : str
        What messages call it.
    folder : Path
    """

    def __init__(self, tensors: Tensors, source: str, folder: Path) -> None:
        self.source, self._tensors = source, tensors
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def info(self) -> Mapping[str, TensorInfo]:
        """Every tensor's header."""
        return self._tensors.info

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What else the file's header says."""
        return self._tensors.metadata

    def read(self, name: str) -> Array:
        """Return one tensor."""
        return self._tensors.read(name)
