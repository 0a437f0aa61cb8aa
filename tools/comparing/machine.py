"""What machine this is."""

import os
import platform
import re
import subprocess


def _text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _disk(folder):
    """The file system under a folder and the disk that it is on."""
    words = subprocess.run(["findmnt", "--noheadings", "--nofsroot", "--output", "FSTYPE,SOURCE", "--target", folder],
                           stdout=subprocess.PIPE, text=True).stdout.split()
    if len(words) < 2:
        return "unknown"
    kind, source = words[0], os.path.basename(os.path.realpath(words[1]))
    driver = os.path.basename(os.path.realpath(f"/sys/class/block/{source}/device/driver"))
    return f"{kind} on {source}" + (f" ({driver})" if driver not in ("driver", "") else "")


def facts(folder):
    """Lines about the machine: name and text."""
    cpu = re.search(r"^model name\s*: (.*)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    system = re.search(r'^PRETTY_NAME="?(.*?)"?$', _text("/etc/os-release"), re.MULTILINE)
    is_virtual = " hypervisor" in _text("/proc/cpuinfo")
    return [
        ("processor", f"{cpu[1].strip() if cpu else platform.machine()}, {os.cpu_count()} cores"
         + (" of a virtual machine" if is_virtual else "")),
        ("memory", f"{int(memory[1]) / (1 << 20):.0f} GiB" if memory else "unknown"),
        ("disk", _disk(folder)),
        ("system", f"{system[1] if system else platform.system()}, Linux {platform.release()}"),
    ]
