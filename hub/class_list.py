"""Who is in the class: names, passwords and homes. `python hub/class_list.py CLASS` prepares them all, as often as one likes;
logins after it get a new password.

CLASS/students.txt is the teacher's. passwords.json is kept here: who may log in, with a number that never changes (of the
port, and of the user as whom their code runs) and the hash of a password; slips.txt has new passwords, to print once.
"""

import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST_USER = 770_000  # users as whom students' code runs where root starts the hub: beyond those of people
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one on paper
EXAMPLE = """\
# The class: one name on each line. An asterisk marks a teacher, who sees everybody's server and can stop it.
* Teacher
"""


def login(name):
    """What somebody types to log in: "Jürgen Groß" is jurgen.gross."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", ".", plain).strip(".")


def read_names(text):
    """{login: line} of a students.txt.

    Raises:
        ValueError: a name without a Latin letter or digit, or two names with the same login.
    """
    found = {}
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        if not login(line):
            raise ValueError(f"students.txt: a name needs a letter from a to z, or a digit; got {line!r}.")
        if login(line) in found:
            raise ValueError(f"students.txt: {found[login(line)]!r} and {line!r} would both log in as {login(line)!r}.")
        found[login(line)] = line
    return found


def hashed(password, salt):
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()


def enrol(folder, anew=()):
    """{login: {"number", "salt", "hash"}} of all who ever were in the class; who is new, or in `anew`, gets a password, and a slip."""
    path = folder / "passwords.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    slips = []
    for name, line in class_of(folder).items():
        if name not in known or name in anew:
            password, salt = "".join(secrets.choice(LETTERS) for _ in range(10)), secrets.token_hex(16)
            number = known[name]["number"] if name in known else len(known) + 1
            known[name] = {"number": number, "salt": salt, "hash": hashed(password, salt)}
            slips.append(f"{line.lstrip('* ')}\n    log in as   {name}\n    password    {password}\n\n")
    if slips:
        with open(folder / "slips.txt", "a", encoding="utf-8", opener=_private) as file:
            file.writelines(slips)
        with open(path, "w", encoding="utf-8", opener=_private) as file:
            json.dump(known, file, indent=1)
        print(f"{len(slips)} new passwords are in {folder / 'slips.txt'}: print it, and delete it.")
    return known


def class_of(folder):
    """{login: line} of the class as it is now; without a list, one with a teacher is begun."""
    path = folder / "students.txt"
    if not path.exists():
        path.write_text(EXAMPLE, encoding="utf-8")
        print(f"Write the names of your students into {path}, and run make class again. So far there is only a teacher.")
    return read_names(path.read_text(encoding="utf-8"))


def _private(path, flags):
    return os.open(path, flags, 0o600)


def user_of(number):
    """As which user a student's programs run: one of their own where root starts the hub, otherwise None, whoever starts it."""
    return FIRST_USER + number if os.getuid() == 0 else None


def home_of(folder, name, number):
    """The home of a student, and a folder for the sockets to their kernels, whose paths must be short."""
    for path in (folder / "homes" / name, folder / "run" / str(number)):
        if not path.exists():
            path.mkdir(parents=True, mode=0o700)
            if user_of(number):
                os.chown(path, user_of(number), user_of(number))
    return folder / "homes" / name


def prepare(folder, anew=()):
    """A home for everybody, with what lies in `handout`.

    Raises:
        ValueError: a name or a folder that will not do, or a Python that only root may run.
    """
    if len(str(folder)) > 45:
        raise ValueError(f"CLASS must be a path of at most 45 characters, or sockets to kernels have none; got {folder}.")
    strangers = set(anew) - set(class_of(folder))
    if strangers:
        raise ValueError(f"A new password needs a login of the class; got {', '.join(sorted(strangers))}.")
    known = enrol(folder, anew)
    for name in class_of(folder):
        home = home_of(folder, name, known[name]["number"])
        hand_out(folder / "handout", home, user_of(known[name]["number"]))


def hand_out(originals, home, user):
    """Run hand_out.py as the student, for root would follow the links in a student's home.

    It is read here and sent there, as a student may not read this folder.
    """
    command = [sys.executable, "-", str(originals)]
    own = {"user": user, "group": user, "extra_groups": []} if user else {}
    try:
        with open(HERE / "hand_out.py", encoding="utf-8") as program:
            subprocess.run(command, stdin=program, cwd=home, env={"HOME": str(home)}, umask=0o077, check=True, **own)
    except PermissionError as error:
        raise ValueError(f"Started by root, each student is a user of their own, and these may not read {error.filename}: CLASS "
                         "must lie where all may read, and PYTHON, too (/usr/bin/python3).") from None  # fmt: skip


if __name__ == "__main__":
    try:
        prepare(Path(sys.argv[1]).resolve(), anew=sys.argv[2:])
    except ValueError as error:
        sys.exit(str(error))
