"""The parser of locks: pins, hashes, markers and dependents."""

from scaffold.base.lockfile import Lock, Pin

TEXT = """\
# Locked from requirements.in for Python 3.11 on linux/amd64, linux/arm64.
--extra-index-url https://index.example.com/simple

./wheels/Our_Own-1.0+local-py3-none-any.whl \\
    --hash=sha256:aa
    # via requirements.in
churn @ git+https://example.com/churn.git@c0ffee#subdirectory=x
numpy==2.4.6 ; platform_machine == 'aarch64' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   -r requirements.in
    #   scikit-learn
    # from https://ada:secret@index.example.com/simple
numpy==2.4.5 ; platform_machine == 'x86_64'
    # via scikit-learn
Scikit_Learn[alldeps]==1.9.1 --hash=sha256:dd  # via -r requirements.in
threadpoolctl==3.6.0
    # via scikit-learn
"""


def test_a_lock_is_parsed_into_pins_with_hashes_markers_and_reasons() -> None:
    lock = Lock.parse(TEXT)
    assert [(pin.name, pin.version, pin.is_release) for pin in lock.pins] == [
        ("our-own", "1.0+local", False),
        ("churn", "c0ffee", False),
        ("numpy", "2.4.6", True),
        ("numpy", "2.4.5", True),
        ("scikit-learn", "1.9.1", True),
        ("threadpoolctl", "3.6.0", True),
    ]
    numpy = lock.pins[2]
    assert numpy.marker == "platform_machine == 'aarch64'"
    assert numpy.hashes == ("sha256:bb", "sha256:cc")
    assert numpy.via == ("requirements.in", "scikit-learn")
    assert numpy.index == "https://index.example.com/simple"
    assert lock.pins[4].hashes == ("sha256:dd",)
    assert lock.pins[4].via == ("requirements.in",)
    assert lock.head.count("\n") == 3


def test_a_lock_keeps_its_text() -> None:
    for text in (TEXT, TEXT.replace("\n", "\r\n"), "", "# Nothing yet.\n"):
        assert Lock.parse(text).text == text


def test_a_pin_that_differs_by_platform_has_a_version_for_this_platform_only() -> None:
    lock = Lock.parse(TEXT)
    assert lock.releases == {"scikit-learn": "1.9.1", "threadpoolctl": "3.6.0"}
    elsewhere = Lock.parse("one==1 ; sys_platform == 'nowhere'\none==2 ; sys_platform != 'nowhere'\n")
    assert elsewhere.installed_here == {"one": "2"}
    assert elsewhere.releases == {}


def test_what_a_distribution_requires_is_followed() -> None:
    lock = Lock.parse(TEXT)
    assert lock.required_by({"scikit-learn"}) == {"scikit-learn", "numpy", "threadpoolctl"}
    assert lock.required_by({"numpy"}) == {"numpy"}


def test_a_pin_is_written_as_it_is_parsed() -> None:
    pin = Pin(requirement="one==1", marker="sys_platform == 'linux'", hashes=("sha256:aa",), via=("two",))
    assert str(pin) == "one==1 ; sys_platform == 'linux' \\\n    --hash=sha256:aa\n    # via two"
    assert Lock.parse(f"{pin}\n").pins == (
        Pin(**{**{name: getattr(pin, name) for name in Pin.__slots__}, "text": f"{pin}\n"}),
    )
