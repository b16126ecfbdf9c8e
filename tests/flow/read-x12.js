// Reads an X12 file with node-x12 and prints "SEGMENT ELEMENT VALUE" lines.
const { X12Parser } = require('node-x12');
const fs = require('fs');
const interchange = new X12Parser(true).parse(fs.readFileSync(process.argv[2], 'utf8'));
const print = (segment) => segment.elements.forEach((e, i) => console.log(segment.tag, i + 1, e.value.trim()));
for (const group of interchange.functionalGroups)
    for (const set of group.transactions) {
        print(set.header);
        set.segments.filter((s) => s !== set.header && s !== set.trailer).forEach(print);
        print(set.trailer);
    }
