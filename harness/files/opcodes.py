"""A look at a pickle's program before it runs: is it one that the interpreter in C can run without harm?"""

from __future__ import annotations

import pickletools

from harness.schema import BadInput, demand

NESTED = 100  # tuples within tuples: the hash of a tuple recurses in C, where nothing stops it but the end of the stack
LENGTH = 2 * 10**6  # opcodes: each may make an object of 200 bytes
GAP = 1000  # numbers that a memo may leave out: the interpreter's memo is an array as long as the largest

_REFUSED = {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "NEXT_BUFFER",
            "READONLY_BUFFER"}  # fmt: skip
_OPCODES = {ord(code.code): code for code in pickletools.opcodes if code.name not in _REFUSED}
_BY_NAME = {code.name: number for number, code in _OPCODES.items()}
_MARK, _POP, _DUP, _STOP, _MEMOIZE = (_BY_NAME[name] for name in ("MARK", "POP", "DUP", "STOP", "MEMOIZE"))
_PUT = {_BY_NAME[name] for name in ("PUT", "BINPUT", "LONG_BINPUT")}
_GET = {_BY_NAME[name] for name in ("GET", "BINGET", "LONG_BINGET")}
_LINES = {number: 1 + (code.name == "GLOBAL") for number, code in _OPCODES.items() if code.arg and code.arg.n == -1}
_COUNTED = {  # bytes of the length that stands before the argument
    number: {"1": 1, "4": 4, "8": 8}[code.arg.name.rstrip("u")[-1]]
    for number, code in _OPCODES.items()
    if code.arg and code.arg.n < -1
}
_FIXED = {number: max(code.arg.n, 0) if code.arg else 0 for number, code in _OPCODES.items()}
_MARKED = {number for number, code in _OPCODES.items() if pickletools.stackslice in code.stack_before}
_POPS = {number: len(code.stack_before) - 2 * (number in _MARKED) for number, code in _OPCODES.items()}
_PUSHES = {number: len(code.stack_after) for number, code in _OPCODES.items()}
_TUPLES = {number for number, code in _OPCODES.items() if code.stack_after == [pickletools.pytuple]}
_OWN_WAY = {_MARK, _POP, _DUP, _STOP, _MEMOIZE, *_PUT, *_GET}
_LEAVES = [  # width of the argument of those that push one value and do nothing else, else -1
    _FIXED[n]
    if n in _OPCODES and n not in {*_LINES, *_COUNTED, *_OWN_WAY, *_MARKED} and (_POPS[n], _PUSHES[n]) == (0, 1)
    else -1
    for n in range(256)
]
_LENGTHS = [_COUNTED.get(number, 0) for number in range(256)]


def inspect(program: bytes) -> None:
    """Nothing, where `program` can be run without harm. Raises BadInput otherwise.

    It is not too long, every argument is there, no tuples are nested deeply, the memo has no large gaps, and no opcode
    makes an instance of a class or asks for objects from elsewhere.
    """
    try:
        _walk(program)
    except (IndexError, KeyError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"data: must be a whole pickle (got a damaged one ({type(error).__name__}))") from error


def _walk(program: bytes) -> None:
    stack: list[int] = []  # of each value, how many tuples are nested in it
    marks: list[int] = []
    memo: dict[int, int] = {}
    at = 0
    for _ in range(LENGTH):
        opcode = program[at]
        at += 1
        width = _LEAVES[opcode]
        if width >= 0:
            at += width
            stack.append(0)
        elif opcode == _MEMOIZE:
            memo[len(memo)] = stack[-1]
        elif size := _LENGTHS[opcode]:
            at += size + int.from_bytes(program[at : at + size], "little")
            stack.append(0)
        elif opcode == _STOP:
            return
        else:
            if opcode not in _OPCODES:
                name = next((code.name for code in pickletools.opcodes if ord(code.code) == opcode), hex(opcode))
                raise BadInput(f"data: must be a whole pickle of plain values and NumPy arrays (got opcode {name})")
            start, at = at, _behind(program, at, opcode)
            if opcode in _OWN_WAY:
                argument = program[start:at]
                number = int(argument) if opcode in _LINES else int.from_bytes(argument, "little")
                _own_way(opcode, number, stack, marks, memo)
            else:
                bottom = (marks.pop() if opcode in _MARKED else len(stack)) - _POPS[opcode]
                if bottom < 0:
                    raise IndexError
                depth = 1 + max(stack[bottom:], default=0) if opcode in _TUPLES else 0
                del stack[bottom:]
                demand(depth <= NESTED, "data", f"a pickle with at most {NESTED} tuples within each other", "more")
                stack.extend([depth] * _PUSHES[opcode])
    raise BadInput(f"data: must be a pickle of at most {LENGTH} opcodes (got a longer one)")


def _behind(program: bytes, at: int, opcode: int) -> int:
    """Where the argument ends that begins at `at`."""
    for _ in range(_LINES.get(opcode, 0)):
        at = program.index(b"\n", at) + 1
    return at + _FIXED[opcode]


def _own_way(opcode: int, number: int, stack: list[int], marks: list[int], memo: dict[int, int]) -> None:
    """What the table of effects on the stack does not say."""
    if opcode in _GET:
        stack.append(memo[number])
    elif opcode in _PUT:
        demand(0 <= number <= len(memo) + GAP, "data", "a pickle whose memo is numbered in order", number)
        memo[number] = stack[-1]
    elif opcode == _MARK:
        marks.append(len(stack))
    elif opcode == _DUP:
        stack.append(stack[-1])
    elif marks and marks[-1] == len(stack):
        marks.pop()
    else:
        stack.pop()
