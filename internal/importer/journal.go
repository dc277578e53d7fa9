package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"sluice/internal/lake"
)

// An id stands for one version of an object: 16 bytes of the hash of its location, 8 of
// that of its tag and size.
type id [24]byte

func idOf(location, etag string, size int64) (x id) {
	a, b := sha256.Sum256([]byte(location)), sha256.Sum256(fmt.Appendf(nil, "%d %s", size, etag))
	copy(x[:16], a[:])
	copy(x[16:], b[:])
	return x
}

func (x id) place() [16]byte    { return [16]byte(x[:16]) }
func (x id) version() [8]byte   { return [8]byte(x[16:]) }
func idFrom(b []byte) (x id)    { copy(x[:], b); return x }
func (x id) is(e position) bool { return x.version() == e.version }

// A position is how far an object is in.
type position struct {
	version [8]byte
	done    bool
	records int64
}

// journalHead is the first line.
type journalHead struct {
	Import int    `json:"sluice_import"`
	Table  string `json:"table"`
}

// A journalLine is any other. It says ID in place of the object's location, tag and size
// where only the log had told of the object.
type journalLine struct {
	ID      string `json:"id,omitempty"`
	Object  string `json:"object,omitempty"`
	ETag    string `json:"etag,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Records int64  `json:"records"`
	Done    bool   `json:"done,omitempty"`
}

const journalVersion = 1

// A journal keeps the positions.
type journal struct {
	mu    sync.Mutex
	file  *os.File // nil for one that is only read
	at    map[[16]byte]position
	dirty map[[16]byte]journalLine // what the file lacks
	err   error                    // of the first write that failed; it sticks
}

// openJournal reads the journal, and makes it where there is none.
func openJournal(dir string, table lake.TableName) (*journal, error) {
	path := filepath.Join(dir, "journal.ndjson")
	j, whole, err := readJournal(path, table)
	if err != nil {
		return nil, err
	}
	if j.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, fmt.Errorf("open journal of the import: %w", err)
	}
	if whole == 0 {
		err = j.begin(dir, table)
	} else {
		// What was never synced goes, so that no line is appended to half of one.
		if err = j.file.Truncate(whole); err == nil {
			_, err = j.file.Seek(whole, io.SeekStart)
		}
		if err == nil {
			err = j.file.Sync()
		}
	}
	if err != nil {
		j.file.Close()
		return nil, fmt.Errorf("open journal of the import: %w", err)
	}
	return j, nil
}

// begin writes the first line. If we crash before it is synced, the file is there
// without a whole line, and the next import begins it anew.
func (j *journal) begin(dir string, table lake.TableName) error {
	line, err := json.Marshal(journalHead{Import: journalVersion, Table: table.String()})
	if err != nil {
		return err
	}
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readJournal reads a journal, and tells the length of its whole lines.
func readJournal(path string, table lake.TableName) (j *journal, whole int64, err error) {
	j = &journal{at: map[[16]byte]position{}, dirty: map[[16]byte]journalLine{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read journal of the import: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j, whole, nil
		}
		if err == nil {
			err = j.take(bytes.TrimSuffix(line, []byte("\n")), n, table)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read journal of the import: %s, line %d: %w", path, n, err)
		}
		whole += int64(len(line))
	}
}

func (j *journal) take(text []byte, n int, table lake.TableName) error {
	if n == 1 {
		var head journalHead
		if err := json.Unmarshal(text, &head); err != nil {
			return err
		}
		if head.Import != journalVersion || head.Table != table.String() {
			return fmt.Errorf("it is of version %d and table %s, not of version %d and table %s", head.Import, head.Table, journalVersion, table)
		}
		return nil
	}
	var line journalLine
	if err := json.Unmarshal(text, &line); err != nil {
		return err
	}
	if line.Object == "" && line.ID == "" || line.Records < 0 {
		return errors.New("it names no object, or a number of records below 0")
	}
	x := idOf(line.Object, line.ETag, line.Size)
	if line.ID != "" {
		b, err := hex.DecodeString(line.ID)
		if err != nil || len(b) != len(x) {
			return fmt.Errorf("%q is no id of an object", line.ID)
		}
		x = idFrom(b)
	}
	j.at[x.place()] = position{version: x.version(), done: line.Done, records: line.Records}
	return nil
}

// of is where the object stands; changed is set where it is another version that was
// imported, or begun to be.
func (j *journal) of(x id) (p position, changed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p, ok := j.at[x.place()]
	if ok && !x.is(p) {
		return position{}, true
	}
	return p, false
}

// found notes a position that the log tells. The journal needs it before the log goes,
// also where the object is not read meanwhile.
func (j *journal) found(x id, records int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p, ok := j.at[x.place()]
	if !ok || x.is(p) && p.records < records {
		j.at[x.place()] = position{version: x.version(), records: records}
		j.dirty[x.place()] = journalLine{ID: hex.EncodeToString(x[:]), Records: records}
	}
}

// advance notes how far an object is in.
func (j *journal) advance(o Object, records int64, done bool) {
	x := o.id
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at[x.place()] = position{version: x.version(), done: done, records: records}
	j.dirty[x.place()] = journalLine{Object: o.Location, ETag: o.ETag, Size: o.Size, Records: records, Done: done}
}

// sync makes durable what was noted by advance and found.
func (j *journal) sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil || len(j.dirty) == 0 {
		return j.err
	}
	var out []byte
	for _, line := range j.dirty {
		text, err := json.Marshal(line)
		if err != nil {
			return fmt.Errorf("write journal of the import: %w", err)
		}
		out = append(append(out, text...), '\n')
	}
	_, err := j.file.Write(out)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.err = fmt.Errorf("write journal of the import: %w", err)
		return j.err
	}
	clear(j.dirty)
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
