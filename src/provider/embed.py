#!/usr/bin/env python3
"""Turn providers/*.json into one C table: embed.py OUTPUT INPUT..."""
import os
import sys


def c_string(data):
    lines = []
    for line in data.splitlines(keepends=True):
        out = ''
        for byte in line:
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
    for path in sorted(inputs, key=os.path.basename):
        with open(path, 'rb') as f:
            data = f.read()
        rows.append('\t{ "providers/%s",\n%s,\n\t\t%d },\n' % (os.path.basename(path), c_string(data), len(data)))
    with open(output, 'w', encoding='utf-8') as f:
        f.write('/* Generated from the recipes; do not edit. */\n#include "provider/recipes.h"\n\n')
        f.write('const struct recipe_source recipe_sources[] = {\n%s};\n' % ''.join(rows))
        f.write('const size_t recipe_sources_count = sizeof(recipe_sources) / sizeof(recipe_sources[0]);\n')


main(sys.argv[1], sys.argv[2:])
