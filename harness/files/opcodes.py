"""Static check of a pickle's program: can the interpreter in C execute it safely?"""

from __future__ import annotations

import pickletools

from harness.schema import BadInput, demand

NESTED = 100  # nested tuples: the hash of a tuple recurses in C without a limit
LENGTH = 2 * 10**6  # opcodes: each may create an object of 200 bytes
GAP = 1000  # largest gap in the memo's indices: the interpreter allocates an array up to the largest

_REFUSED = {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "NEXT_BUFFER",
            "READONLY_BUFFER"}  # fmt: skip
_OPCODES = {ord(code.code): code for code in pickletools.opcodes if code.name not in _REFUSED}
_BY_NAME = {code.name: number for number, code in _OPCODES.items()}
_MARK, _POP, _DUP, _STOP, _MEMOIZE = (_BY_NAME[name] for name in ("MARK", "POP", "DUP", "STOP", "MEMOIZE"))
_PUT = {_BY_NAME[name] for name in ("PUT", "BINPUT", "LONG_BINPUT")}
_GET = {_BY_NAME[name] for name in ("GET", "BINGET", "LONG_BINGET")}
_LINES = {number: 1 + (code.name == "GLOBAL") for number, code in _OPCODES.items() if code.arg and code.arg.n == -1}
_COUNTED = {  # bytes of the length field before the argument
    number: {"1": 1, "4": 4, "8": 8}[code.arg.name.rstrip("u")[-1]]
    for number, code in _OPCODES.items()
    if code.arg and code.arg.n < -1
}
_FIXED = {number: max(code.arg.n, 0) if code.arg else 0 for number, code in _OPCODES.items()}
_MARKED = {number for number, code in _OPCODES.items() if pickletools.stackslice in code.stack_before}
_POPS = {number: len(code.stack_before) - 2 * (number in _MARKED) for number, code in _OPCODES.items()}
_PUSHES = {number: len(code.stack_after) for number, code in _OPCODES.items()}
_TUPLES = {number for number, code in _OPCODES.items() if code.stack_after == [pickletools.pytuple]}
_SPECIAL = {_MARK, _POP, _DUP, _STOP, _MEMOIZE, *_PUT, *_GET}
_LEAVES = [  # argument width of opcodes that only push one value, else -1
    _FIXED[n]
    if n in _OPCODES and n not in {*_LINES, *_COUNTED, *_SPECIAL, *_MARKED} and (_POPS[n], _PUSHES[n]) == (0, 1)
    else -1
    for n in range(256)
]
_LENGTHS = [_COUNTED.get(number, 0) for number in range(256)]


def inspect(program: bytes) -> None:
    """Raise BadInput unless `program` can be executed safely.

    It must have at most `LENGTH` opcodes, complete arguments, no deeply nested tuples and no large gaps in the memo;
    no opcode may create an instance of a class or load external objects.
    """
    try:
        _walk(program)
    except (IndexError, KeyError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"data: must be a complete pickle (got a damaged one: {type(error).__name__})") from error


def _walk(program: bytes) -> None:
    stack: list[int] = []  # nesting depth of tuples, per value
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
                raise BadInput(f"data: must be a complete pickle of plain values and NumPy arrays (got opcode {name})")
            start, at = at, _argument_end(program, at, opcode)
            if opcode in _SPECIAL:
                argument = program[start:at]
                number = int(argument) if opcode in _LINES else int.from_bytes(argument, "little")
                _special(opcode, number, stack, marks, memo)
            else:
                bottom = (marks.pop() if opcode in _MARKED else len(stack)) - _POPS[opcode]
                if bottom < 0:
                    raise IndexError
                depth = 1 + max(stack[bottom:], default=0) if opcode in _TUPLES else 0
                del stack[bottom:]
                demand(depth <= NESTED, "data", f"a pickle with at most {NESTED} nested tuples", "more")
                stack.extend([depth] * _PUSHES[opcode])
    raise BadInput(f"data: must be a pickle of at most {LENGTH} opcodes (got a longer one)")


def _argument_end(program: bytes, at: int, opcode: int) -> int:
    """End of the argument that begins at `at`."""
    for _ in range(_LINES.get(opcode, 0)):
        at = program.index(b"\n", at) + 1
    return at + _FIXED[opcode]


def _special(opcode: int, number: int, stack: list[int], marks: list[int], memo: dict[int, int]) -> None:
    """Effects on the stack that pickletools' table does not describe."""
    if opcode in _GET:
        stack.append(memo[number])
    elif opcode in _PUT:
        demand(0 <= number <= len(memo) + GAP, "data", "a pickle with consecutive memo indices", number)
        memo[number] = stack[-1]
    elif opcode == _MARK:
        marks.append(len(stack))
    elif opcode == _DUP:
        stack.append(stack[-1])
    elif marks and marks[-1] == len(stack):
        marks.pop()
    else:
        stack.pop()
