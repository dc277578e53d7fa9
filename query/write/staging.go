package write

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// A piece is a file of the staging folder and the partition that it is of.
type piece struct {
	path   string
	bytes  int64
	values []string // of the keys
}

// staged is what a query came to.
type staged struct {
	rows   int64
	bytes  int64
	pieces []piece // none where there is no row
}

// A Draft is a query that is set up; see executor.Draft.
type Draft interface {
	SQL() string
	Copy(sql string) (rows int64, err error)
}

// stage has the query's rows written into the folder, in files of at most the
// bytes and partitions that are allowed. cancel ends the query.
func (w *Writer) stage(d Draft, s *Shape, l Layout, folder string, cancel context.CancelCauseFunc) (staged, error) {
	for _, c := range s.Columns {
		nested := c.Type.Fields != nil || c.Type.Elem != nil
		if l.Format == TextFile && (nested || c.Type.Kind == lake.KindBinary) || l.Format == JSON && nested && strings.Contains(c.Type.String(), "binary") {
			return staged{}, refuse(-1, "column %s of type %s cannot be written as %s; use PARQUET, or cast it", c.Name, c.Type, l.Format)
		}
	}
	root := filepath.Join(folder, "rows")
	target := root
	if len(s.Keys) == 0 {
		target += l.Ext()
	}
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.watch(folder, stop, cancel)
	}()
	rows, err := d.Copy("COPY (" + s.query(d.SQL(), l) + ") TO " + executor.Quote(target) + " (" + l.options(s) + ")")
	close(stop)
	<-ended
	if err != nil {
		return staged{}, err
	}
	if err := w.measure(folder); err != nil {
		return staged{}, err
	}
	out := staged{rows: rows}
	if rows == 0 {
		return out, nil
	}
	if out.pieces, err = pieces(root, target, s); err != nil {
		return staged{}, err
	}
	for i, p := range out.pieces {
		out.bytes += p.bytes
		// What is one file a partition makes it appear as a whole.
		if i > 0 && slices.Equal(p.values, out.pieces[i-1].values) {
			return staged{}, fmt.Errorf("stage rows: two files of the partition %q", p.values)
		}
	}
	if len(out.pieces) > w.cfg.MaxPartitions {
		return staged{}, w.tooMany()
	}
	return out, nil
}

// manyFolders is more folders than the partitions that are allowed can have.
func (w *Writer) manyFolders() int { return 8*w.cfg.MaxPartitions + 16 }

// measure is an error once there is more in the folder than is allowed.
func (w *Writer) measure(folder string) error {
	var bytes int64
	folders := 0
	err := filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			folders++
			if folders > w.manyFolders() {
				return filepath.SkipAll
			}
			return nil // files come and go
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("measure what was written: %w", err)
	case bytes > w.cfg.MaxBytes:
		return &LimitError{fmt.Sprintf("the statement writes more than %d bytes (query.write.max_bytes)", w.cfg.MaxBytes)}
	case folders > w.manyFolders():
		return w.tooMany()
	}
	return nil
}

func (w *Writer) tooMany() error {
	return &LimitError{fmt.Sprintf("the statement writes to more than %d partitions (query.write.max_partitions)", w.cfg.MaxPartitions)}
}

// A LimitError says which ceiling a statement reached.
type LimitError struct{ what string }

func (e *LimitError) Error() string { return e.what }

// every is how often what is written is measured while it grows.
const every = 100 * time.Millisecond

// watch ends the query when it has written too much.
func (w *Writer) watch(folder string, stop <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		var limit *LimitError
		if err := w.measure(folder); errors.As(err, &limit) {
			cancel(limit)
			return
		}
	}
}

// options are those of COPY.
func (l Layout) options(s *Shape) string {
	var b strings.Builder
	switch l.Format {
	case Parquet:
		b.WriteString("FORMAT parquet, COMPRESSION " + l.Compression)
		if l.Level > 0 {
			fmt.Fprintf(&b, ", COMPRESSION_LEVEL %d", l.Level)
		}
	case JSON, TextFile:
		// JSON is a column of text, in which no line end and no delimiter can be.
		b.WriteString("FORMAT csv, HEADER false, QUOTE '', ESCAPE '', NULLSTR '\\N', DELIMITER " + executor.Quote(l.Delimiter) + ", COMPRESSION " + l.Compression)
	}
	for j := range s.Keys {
		b.WriteString([]string{", PARTITION_BY (p0", fmt.Sprintf(", p%d", j)}[min(j, 1)])
	}
	if len(s.Keys) > 0 {
		b.WriteString(")")
	}
	return b.String()
}

// pieces finds what was written.
func pieces(root, target string, s *Shape) ([]piece, error) {
	if len(s.Keys) == 0 {
		info, err := os.Stat(target)
		if err != nil {
			return nil, fmt.Errorf("find what was written: %w", err)
		}
		return []piece{{path: target, bytes: info.Size()}}, nil
	}
	var out []piece
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		values, err := folderValues(filepath.ToSlash(rel), len(s.Keys))
		out = append(out, piece{path: path, bytes: info.Size(), values: values})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what was written: %w", err)
	}
	return out, nil
}

// folderValues reads the values of the keys out of p0=V61/p1=N.
func folderValues(path string, keys int) ([]string, error) {
	folders := strings.Split(path, "/")
	if len(folders) != keys {
		return nil, fmt.Errorf("the folder %s is not one of %d partition keys", path, keys)
	}
	values := make([]string, keys)
	for i, f := range folders {
		name, ok := strings.CutPrefix(f, fmt.Sprintf("p%d=", i))
		digits, isValue := strings.CutPrefix(name, "V")
		text, err := hex.DecodeString(digits)
		switch {
		case ok && name == "N":
			values[i] = lake.NullPartition
		case ok && isValue && err == nil:
			values[i] = string(text)
		default:
			return nil, fmt.Errorf("the folder %s is not one of a partition", path)
		}
	}
	return values, nil
}
