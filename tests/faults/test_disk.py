"""A disk that is full when a file is to be kept."""

import contextlib
import resource
from collections.abc import Iterator

from tests.faults.audit import settled
from tests.faults.provider import PICTURE
from tests.faults.world import TWILIO, World
from tests.stack import wait_until
from tests.web import Answer, call

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@contextlib.contextmanager
def full(world: World, kind: str) -> Iterator[None]:
    """Let these processes write half a picture and no more, as on a disk with that much room."""
    pids = world.workers(kind)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (len(PICTURE) // 2, UNLIMITED[1]))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, UNLIMITED)


def files(world: World, text: str) -> list[tuple[str, str, int]]:
    """Return state, error and size of the files of the message with this text."""
    return world.rows(
        "SELECT f.state, f.error, f.size FROM sms_mediafile f"
        " JOIN sms_message m ON m.id = f.message_id WHERE m.text = %s",
        [text],
    )


def sizes_on_disk(world: World) -> list[int]:
    """Return the sizes of all files that were kept."""
    folder = world.stack.folder / "media"
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def test_a_file_that_finds_no_room_is_fetched_again(world: World) -> None:
    text = "with a picture"
    with full(world, "worker"):
        assert world.bring_picture(text) == 200
        wait_until(lambda: files(world, text) and files(world, text)[0][1], what="a reason")
    assert settled(world) == {text: "received"}
    assert files(world, text) == [("ready", "", len(PICTURE))]
    assert set(sizes_on_disk(world)) == {len(PICTURE)}


def test_a_file_that_never_finds_room_is_given_up_and_says_why(world: World) -> None:
    text = "with a picture too many"
    with full(world, "worker"):
        assert world.bring_picture(text) == 200
        wait_until(lambda: files(world, text) and files(world, text)[0][1], what="a reason")
        world.rows("UPDATE sms_mediafile SET tries = 5, due_at = now() WHERE state = 'waiting'")
        assert settled(world) == {text: "received"}
    [(state, error, _size)] = files(world, text)
    assert (state, bool(error)) == ("failed", True)


def test_an_upload_that_finds_no_room_is_refused_and_leaves_nothing(world: World) -> None:
    before = world.rows("SELECT count(*) FROM sms_mediafile")
    kept = sizes_on_disk(world)
    with full(world, "web"):
        refused = upload(world)
    assert (refused.status, refused.json()["code"]) == (503, "file_not_kept")
    assert world.rows("SELECT count(*) FROM sms_mediafile") == before
    assert sizes_on_disk(world) == kept
    assert upload(world).status == 201
    settled(world)


def upload(world: World) -> Answer:
    """Upload the picture as the client does."""
    line = b"--b\r\nContent-Disposition: form-data; name=file; filename=p.png\r\n"
    body = line + b"Content-Type: image/png\r\n\r\n" + PICTURE + b"\r\n--b--\r\n"
    headers = {
        "Authorization": f"Bearer {world.apis[TWILIO].token}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    return call("POST", f"{world.stack.url}/api/v1/media", body, headers)
