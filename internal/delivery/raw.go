package delivery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sluice/buffer"
	"sluice/configs"
	"sluice/internal/lake"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// rawFiles writes the batch's records as they were received into the staging
// folder, for the layout of Segment's S3 destination: an object for each day (UTC)
// on which some of them arrived, {prefix}/{stream}/{day in ms}/{batch}.gz or .zst,
// a record a line. The names follow from the batch, so a repetition overwrites.
func rawFiles(ctx context.Context, b *buffer.Batch, raw configs.Raw, dir string) (uploads []upload, err error) {
	files := map[int64]*rawFile{}
	var received []byte
	defer func() {
		for _, f := range files {
			if closeErr := f.close(); err == nil {
				err = closeErr
			}
		}
	}()
	for block, err := range b.Blocks()() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		day := block.Arrival.UTC().Truncate(24 * time.Hour).UnixMilli()
		f := files[day]
		if f == nil {
			if f, err = newRawFile(dir, day, raw.Compression); err != nil {
				return nil, err
			}
			files[day] = f
			uploads = append(uploads, upload{fmt.Sprintf("%s/%s/%d/%s%s", raw.Prefix, b.Stream, day, b.ID, f.ext), f.file.Name()})
		}
		data := block.Data
		if lake.HasMalformed(data) {
			received = appendReceived(received[:0], data)
			data = received
		}
		if _, err := f.w.Write(data); err != nil {
			return nil, err
		}
	}
	return uploads, nil
}

// appendReceived appends the records of a block as their clients sent them, where
// some are no JSON.
func appendReceived(dst, data []byte) []byte {
	for line := range bytes.Lines(data) {
		if lake.IsMalformed(line) {
			dst = append(lake.DecodeMalformed(dst, bytes.TrimSuffix(line, []byte{'\n'})), '\n')
			continue
		}
		dst = append(dst, line...)
	}
	return dst
}

// A rawFile is a compressed copy being written in the staging folder.
type rawFile struct {
	file *os.File
	w    io.WriteCloser
	ext  string
}

func newRawFile(dir string, day int64, compression string) (*rawFile, error) {
	file, err := os.Create(filepath.Join(dir, "raw-"+strconv.FormatInt(day, 10)))
	if err != nil {
		return nil, err
	}
	if compression == "zstd" {
		w, err := zstd.NewWriter(file, zstd.WithEncoderConcurrency(1))
		if err != nil {
			file.Close()
			return nil, err
		}
		return &rawFile{file, w, ".zst"}, nil
	}
	return &rawFile{file, gzip.NewWriter(file), ".gz"}, nil
}

// close ends the compression and the file.
func (f *rawFile) close() error {
	err := f.w.Close()
	if closeErr := f.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
