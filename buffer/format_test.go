package buffer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/lake"
)

var update = flag.Bool("update", false, "write the golden files")

const goldenID = lake.BatchID("20260131T235959Z-0123456789ab")

// memFile is a File in memory.
type memFile struct{ data []byte }

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.data).ReadAt(p, off)
}

func (f *memFile) WriteVec(bufs [][]byte, off int64) error {
	b := bytes.Join(bufs, nil)
	if n := off + int64(len(b)); n > int64(len(f.data)) {
		f.data = append(f.data, make([]byte, n-int64(len(f.data)))...)
	}
	copy(f.data[off:], b)
	return nil
}

func (f *memFile) Allocate(off, n int64) error { return errors.ErrUnsupported }
func (f *memFile) Truncate(size int64) error   { f.data = f.data[:size]; return nil }
func (f *memFile) Sync() error                 { return nil }
func (f *memFile) Datasync() error             { return nil }
func (f *memFile) Size() (int64, error)        { return int64(len(f.data)), nil }
func (f *memFile) Close() error                { return nil }

// goldenSegment is a batch of two commits, the first of two frames, sealed.
func goldenSegment(t testing.TB) []byte {
	t.Helper()
	f := &memFile{}
	w := &writer{
		file: f, salt: saltOf(goldenID),
		header: &fileHeader{id: goldenID, stream: "purchases", seq: 7, begun: 1_769_903_999_000},
	}
	commit := func(blocks ...lake.Block) {
		var group []payload
		for _, b := range blocks {
			group = append(group, newPayload(b))
		}
		if err := w.write(group); err != nil {
			t.Fatal(err)
		}
		if err := w.sync(); err != nil {
			t.Fatal(err)
		}
	}
	commit(
		lake.Block{Data: []byte("{\"n\":1}\n{\"n\":2}\n"), Records: 2, Arrival: milli(1_769_903_999_123)},
		lake.Block{Data: []byte("{}\n"), Records: 1, Arrival: milli(1_769_903_999_120)},
	)
	commit(lake.Block{Data: []byte("{\"last\":true}\n"), Records: 1, Arrival: milli(1_769_904_000_000)})
	rec := &sealRecord{tally: w.tally, sealed: 1_769_904_001_000, reason: SealRequest, rules: []byte(`{"table":"shop.purchases"}`)}
	if err := w.seal(rec); err != nil {
		t.Fatal(err)
	}
	return f.data
}

// TestGolden pins every byte of the format.
func TestGolden(t *testing.T) {
	got := hex.Dump(goldenSegment(t))
	path := filepath.Join("testdata", "segment.hex")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the format changed: a log that exists could not be read. Got\n%s\nwant\n%s", got, want)
	}
}

// reusedSegment is an open batch of two commits in a file that held the golden
// segment, and something behind it.
func reusedSegment(t testing.TB, id lake.BatchID) []byte {
	t.Helper()
	old := slices.Concat(goldenSegment(t), make([]byte, 3700), goldenSegment(t))
	f := &memFile{slices.Clone(old)}
	w := &writer{file: f, salt: saltOf(id), disk: int64(len(old)), reused: int64(len(old))}
	if err := w.begin(&fileHeader{id: id, stream: "purchases", seq: 8, begun: 1_769_904_002_000, reused: w.reused}); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"{\"n\":1}\n", "{\"n\":2}\n"} {
		if err := w.sync(); err != nil {
			t.Fatal(err)
		}
		if err := w.write([]payload{newPayload(lake.Block{Data: []byte(data), Records: 1, Arrival: milli(1_769_904_002_000)})}); err != nil {
			t.Fatal(err)
		}
	}
	return f.data
}

const reusedID = lake.BatchID("20260201T000002Z-abcdef012345")

// TestGoldenReused pins what a file looks like that is written again.
func TestGoldenReused(t *testing.T) {
	data := reusedSegment(t, reusedID)
	var got strings.Builder
	last := ""
	for line := range strings.Lines(hex.Dump(data)) {
		if content := line[8:]; content != last { // zeros are shown once
			got.WriteString(line)
			last = content
		}
	}
	path := filepath.Join("testdata", "reused.hex")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the format changed: a log that exists could not be read. Got\n%s\nwant\n%s", got.String(), want)
	}
	sc, err := scanSegment(bytes.NewReader(data), "reused", reusedID, int64(len(data)))
	if err != nil || sc.prefix.records != 2 || sc.seal != nil || sc.damaged || sc.rest != 0 || sc.gap != nil || sc.header.reused != int64(len(data)) {
		t.Errorf("scan: %+v, %v", sc, err)
	}
}

func TestGoldenScan(t *testing.T) {
	data := goldenSegment(t)
	sc, err := scanSegment(bytes.NewReader(data), "golden", goldenID, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := tally{records: 4, bytes: 33, frames: 3, first: 1_769_903_999_120, last: 1_769_904_000_000}
	if sc.seal == nil || sc.prefix != want || sc.seal.tally != want || string(sc.seal.rules) != `{"table":"shop.purchases"}` ||
		sc.seal.reason != SealRequest || sc.header.stream != "purchases" || sc.header.seq != 7 || sc.damaged || sc.rest != 0 {
		t.Errorf("scan: %+v, seal %+v", sc, sc.seal)
	}
}

// TestNewerVersion is not damage: the newer program must be started again.
func TestNewerVersion(t *testing.T) {
	data := goldenSegment(t)
	le.PutUint16(data[8:], formatVersion+1)
	le.PutUint32(data[fileHeaderLen-4:], crcOf(data[:fileHeaderLen-4]))
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "s"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(filepath.Join(dir, "s"), goldenID)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	var newer *VersionError
	if _, err := Open(Config{Dir: dir}); !errors.As(err, &newer) || newer.Version != formatVersion+1 {
		t.Errorf("open: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
		t.Error("the segment was changed")
	}
}

// TestOptionalFrames are passed over: a later version may add some.
func TestOptionalFrames(t *testing.T) {
	data := goldenSegment(t)
	body := []byte("a note")
	h := frameHeader{kind: kindOptional, length: uint32(len(body)), sum: crcOf(body)}
	var head [frameHeaderLen]byte
	h.put(head[:], saltOf(goldenID), int64(len(data)))
	data = append(append(data, head[:]...), body...)
	sc, err := scanSegment(bytes.NewReader(data), "golden", goldenID, int64(len(data)))
	if err != nil || sc.seal == nil || sc.damaged || sc.rest != 0 || sc.keep != int64(len(data)) {
		t.Errorf("scan: %+v, %v", sc, err)
	}
}

// countingReader counts what is read of it.
type countingReader struct {
	io.ReaderAt
	bytes int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += int64(len(p))
	return c.ReaderAt.ReadAt(p, off)
}

// TestCorruptTailThatLoops has recovery read a tail that looks like the
// beginning of a frame at every turn.
func TestCorruptTailThatLoops(t *testing.T) {
	data := goldenSegment(t)
	data = append(data[:fileHeaderLen+100], strings.Repeat(frameMagic, 1<<18)...)
	src := &countingReader{ReaderAt: bytes.NewReader(data)}
	sc, err := scanSegment(src, "loop", goldenID, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if sc.prefix.frames != 1 || sc.damaged || src.bytes > 4*int64(len(data)) {
		t.Errorf("read %d bytes of %d: %+v", src.bytes, len(data), sc)
	}
}

// FuzzScan gives recovery any bytes for a segment: it ends, in bounded memory,
// counts what it can vouch for, and what it keeps reads back as it counted.
func FuzzScan(f *testing.F) {
	data := goldenSegment(f)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add(append(bytes.Clone(data), make([]byte, 1000)...))
	f.Add([]byte(strings.Repeat(frameMagic, 100)))
	f.Add(reusedSegment(f, goldenID))
	f.Add([]byte{})
	torn := bytes.Clone(data)
	clear(torn[fileHeaderLen : fileHeaderLen+10])
	f.Add(torn)
	huge := bytes.Clone(data)
	h, _ := parseFrame(huge[fileHeaderLen:], saltOf(goldenID), fileHeaderLen)
	h.length = 1 << 31
	h.put(huge[fileHeaderLen:], saltOf(goldenID), fileHeaderLen)
	f.Add(huge)

	f.Fuzz(func(t *testing.T, data []byte) {
		size := int64(len(data))
		sc, err := scanSegment(bytes.NewReader(data), "fuzz", goldenID, size)
		if err != nil {
			return
		}
		if sc.end > sc.keep || sc.keep > size && sc.headerOK || sc.rest > size || sc.sure > sc.keep || sc.sure < 0 {
			t.Fatalf("scan of %d bytes: %+v", size, sc)
		}
		if sc.damaged && sc.gap == nil {
			t.Fatalf("damaged nowhere: %+v", sc)
		}
		if !sc.headerOK {
			return
		}
		r := &frameReader{src: bytes.NewReader(data), path: "fuzz", salt: saltOf(goldenID), pos: fileHeaderLen, end: sc.keep}
		var got tally
		for {
			fr, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("what the scan kept does not read back: %v", err)
			}
			if fr.kind == kindRecords {
				got.add(int64(fr.records), int64(len(fr.data())), fr.arrival)
			}
		}
		if got != sc.prefix {
			t.Fatalf("read %+v, the scan counted %+v", got, sc.prefix)
		}
	})
}
