#!/usr/bin/env python3
"""Turn migrations/NNNN-name.sql into one C table: embed.py OUTPUT INPUT..."""
import os
import re
import sys


def c_string(text):
    lines = []
    for line in text.splitlines(keepends=True):
        out = ''
        for byte in line.encode('utf-8'):
            if byte == 0x0A:
                out += '\\n'
            elif byte in (0x22, 0x5C) or not 0x20 <= byte < 0x7F:
                out += '\\%03o' % byte
            else:
                out += chr(byte)
        lines.append('\t\t"%s"' % out)
    return '\n'.join(lines)


def main(output, inputs):
    rows = []
    for expected, path in enumerate(sorted(inputs, key=os.path.basename), 1):
        match = re.fullmatch(r'(\d{4})-([a-z0-9-]+)\.sql', os.path.basename(path))
        if match is None or int(match.group(1)) != expected:
            sys.exit('%s: expected migration %04d-<name>.sql' % (path, expected))
        with open(path, encoding='utf-8', newline='') as f:
            rows.append('\t{ %d, "%s",\n%s },\n' % (expected, match.group(2), c_string(f.read())))
    with open(output, 'w', encoding='utf-8') as f:
        f.write('/* Generated from the .sql files; do not edit. */\n#include "store/migrate.h"\n\n')
        f.write('const struct migration migrations[] = {\n%s};\n' % ''.join(rows))
        f.write('const size_t migrations_count = sizeof(migrations) / sizeof(migrations[0]);\n')


main(sys.argv[1], sys.argv[2:])
