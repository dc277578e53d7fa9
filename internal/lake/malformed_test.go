package lake_test

import (
	"bytes"
	"strings"
	"testing"

	"sluice/internal/lake"
)

func malformedSeeds() [][]byte {
	run := bytes.Repeat([]byte{'x'}, 254)
	return [][]byte{
		nil, {'\n'}, []byte("a"), []byte("a\nb"), []byte("\n\n\n"), {1, 0, 10, 255}, []byte("{\n \"a\": 1,\n}"),
		run, append(bytes.Clone(run), '\n'), append(bytes.Clone(run), 'y'), bytes.Repeat(run, 3),
		bytes.Repeat([]byte("\n"), 300), []byte(strings.Repeat("x", 253) + "\n" + strings.Repeat("y", 300)),
		bytes.Repeat([]byte("x"), 8), bytes.Repeat([]byte("x"), 9), bytes.Repeat([]byte("x"), 10), // lengths that are near '\n'
	}
}

func checkMalformed(t *testing.T, raw []byte) {
	line := lake.AppendMalformed([]byte("before"), raw)[len("before"):]
	if bytes.IndexByte(line, '\n') >= 0 || !lake.IsMalformed(line) || !lake.HasMalformed(line) {
		t.Errorf("%.60q is kept as %.60q", raw, line)
	}
	if len(line)+1 > lake.MalformedLen(len(raw)) {
		t.Errorf("%d bytes are kept as %d, more than %d", len(raw), len(line)+1, lake.MalformedLen(len(raw)))
	}
	if got := lake.DecodeMalformed(nil, line); !bytes.Equal(got, raw) {
		t.Errorf("%.60q comes back as %.60q", raw, got)
	}
}

func TestMalformed(t *testing.T) {
	for _, raw := range malformedSeeds() {
		checkMalformed(t, raw)
	}
	if lake.IsMalformed([]byte(`{"a":1}`)) || lake.IsMalformed(nil) {
		t.Error("a record is taken for none")
	}
}

func FuzzMalformed(f *testing.F) {
	for _, raw := range malformedSeeds() {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkMalformed(t, raw)
		lake.DecodeMalformed(nil, append([]byte{1}, raw...)) // damaged: no panic
	})
}
