package crawl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/internal/jsonscan"
	"sluice/internal/lake/store"
)

// The formats of tables.
const (
	parquet = "parquet"
	jsonish = "json"
	csvish  = "csv"
)

// byName are what the ends of names say; "" is for formats that are not read.
var byName = map[string]string{
	".parquet": parquet, ".parq": parquet, ".pq": parquet,
	".json": jsonish, ".jsonl": jsonish, ".ndjson": jsonish,
	".csv": csvish, ".tsv": csvish, ".psv": csvish,
	".orc": "", ".avro": "", ".bz2": "", ".lz4": "", ".snappy": "", ".xz": "", ".zip": "", ".lzo": "", ".tar": "", ".deflate": "",
}

// formatOf is a file's format by its name; unknown where that says nothing.
func formatOf(key string) (format string, unknown bool) {
	name := strings.ToLower(path.Base(key))
	ext := path.Ext(name)
	if ext == ".gz" || ext == ".zst" {
		ext = path.Ext(strings.TrimSuffix(name, ext))
	}
	format, ok := byName[ext]
	return format, !ok
}

// A textError says why a file is no text of its format that engines read.
type textError struct{ text string }

func (e *textError) Error() string { return e.text }

// head reads the beginning of a text as engines would: they go by the name to find out
// how it is compressed. whole is set where that is all of it.
func (c *Crawler) head(ctx context.Context, o store.Object) (text []byte, whole bool, err error) {
	limit := c.cfg.SampleBytes
	size := min(o.Size, limit)
	body, err := c.cfg.Lake.GetVersion(ctx, o, 0, size)
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, false, err
	}
	compressed := ""
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		compressed = ".gz"
	case bytes.HasPrefix(raw, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		compressed = ".zst"
	}
	ext := strings.ToLower(path.Ext(o.Key))
	switch {
	case compressed != "" && ext != compressed:
		return nil, false, &textError{fmt.Sprintf("it is compressed, and its name does not end in %s, by which engines would know", compressed)}
	case compressed == "" && (ext == ".gz" || ext == ".zst"):
		return nil, false, &textError{fmt.Sprintf("its name ends in %s, and it is not compressed so", ext)}
	case compressed == "":
		return raw, o.Size <= limit, nil
	}
	return decompress(raw, compressed, limit, o.Size <= limit)
}

func decompress(raw []byte, how string, limit int64, all bool) (text []byte, whole bool, err error) {
	var in io.Reader
	if how == ".gz" {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, false, &textError{"gzip: " + err.Error()}
		}
		in = z
	} else {
		z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, false, &textError{"zstd: " + err.Error()}
		}
		defer z.Close()
		in = z
	}
	text, err = io.ReadAll(io.LimitReader(in, limit+1))
	if int64(len(text)) > limit {
		return text[:limit], false, nil
	}
	if err != nil && all {
		return nil, false, &textError{"it cannot be decompressed: " + err.Error()}
	}
	return text, err == nil && all, nil
}

// sniff tells the format of a file whose name does not.
func (c *Crawler) sniff(ctx context.Context, o store.Object) (format string, err error) {
	text, _, err := c.head(ctx, o)
	if err != nil {
		return "", err
	}
	text = bytes.TrimLeft(text, "\xEF\xBB\xBF \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("PAR1")):
		return parquet, nil
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		return jsonish, nil
	}
	if d, n := delimiter(text); n > 1 && d != 0 {
		return csvish, nil
	}
	return "", &textError{"it is neither Parquet nor JSON nor CSV"}
}

// jsonLines are the records of a sample that are JSON objects of a line each. What keeps
// engines from reading the file is a *textError.
func jsonLines(text []byte, whole bool) (records []byte, n, bad int, err error) {
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	if !whole {
		cut := bytes.LastIndexByte(text, '\n')
		if cut < 0 {
			return nil, 0, 0, &textError{"its first line is longer than the sample"}
		}
		text = text[:cut]
	}
	first := true
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		end, err := 0, error(nil)
		if line[0] == '{' {
			end, err = jsonscan.Object(line)
		}
		if err == nil && end == len(line) {
			records = append(append(records, line...), '\n')
			n, first = n+1, false
			continue
		}
		if first {
			var syntax *jsonscan.SyntaxError
			switch {
			case line[0] == '[':
				return nil, 0, 0, &textError{"it is an array, and engines read a line as a row (`sluice import` reads it into a table of Parquet)"}
			case errors.As(err, &syntax) && syntax.Incomplete:
				return nil, 0, 0, &textError{"its objects have several lines, and engines read a line as a row (`sluice import` reads it into a table of Parquet)"}
			}
		}
		bad++
		first = false
	}
	return records, n, bad, nil
}
