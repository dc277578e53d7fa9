package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
)

// walk calls f for each file with that ending below the folder, hidden folders
// left out: object stores keep their own things there.
func walk(dir, ext string, f func(path string) error) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ext:
			return nil
		}
		if err := f(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// eachRow reads every Parquet file of the stream's table.
func eachRow(lake string, stream int, f func(row)) error {
	return walk(filepath.Join(lake, "default", streamNames[stream]), ".parquet", func(path string) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in := parquet.NewGenericReader[row](file)
		defer in.Close()
		values := partitionOf(path)
		rows := make([]row, 128)
		for {
			clear(rows)
			n, err := in.Read(rows)
			for _, w := range rows[:n] {
				w.Day = values["dt"]
				if stream == parts {
					w.Kind = values["kind"]
				}
				f(w)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// partitionOf is what the folders of a file say; no value here is escaped.
func partitionOf(path string) map[string]string {
	values := map[string]string{}
	for part := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if name, value, ok := strings.Cut(part, "="); ok {
			values[name] = value
		}
	}
	return values
}

// eachFailure reads the documents of records that the stream's table refused.
func eachFailure(lake string, stream int, f func(id string)) error {
	return walk(filepath.Join(lake, "_errors", "format-conversion-failed", streamNames[stream]), ".ndjson", func(path string) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		return eachLine(file, func(line []byte) error {
			var doc struct{ RawData []byte }
			var w struct{ ID string }
			if err := json.Unmarshal(line, &doc); err != nil {
				return err
			}
			if err := json.Unmarshal(doc.RawData, &w); err != nil {
				return err
			}
			f(w.ID)
			return nil
		})
	})
}

// eachRaw reads the raw copy of the stream's records.
func eachRaw(lake string, stream int, f func(id string)) error {
	return walk(filepath.Join(lake, rawPrefix, streamNames[stream]), ".gz", func(path string) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		return eachLine(in, func(line []byte) error {
			var w struct{ ID string }
			if err := json.Unmarshal(line, &w); err != nil {
				return err
			}
			f(w.ID)
			return nil
		})
	})
}

func eachLine(in io.Reader, f func(line []byte) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if err := f(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}
