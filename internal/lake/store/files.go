package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	copyBuffer = 256 << 10
	// staleAfter is the age from which an unfinished object that nobody has locked
	// is a crash's.
	staleAfter = time.Hour
	// maxDurable bounds what files remembers of folders.
	maxDurable = 1 << 16
)

// files keeps each object in a file of its own below root.
type files struct {
	root string
	disk disk

	mu      sync.Mutex          // guards durable
	durable map[string]struct{} // folders known to be synced into their parents, up to the root

	swap sync.Mutex // held from looking at a version to removing it, and while one is put in its place
}

func openFiles(root string, d disk, log *slog.Logger) (*files, error) {
	if root == "" {
		return nil, errors.New("the root folder of the file system cannot be a store")
	}
	f := &files{root: root, disk: d, durable: map[string]struct{}{}}
	if err := f.makeRoot(root); err != nil {
		return nil, err
	}
	if err := f.ensureFolder(f.stagingFolder()); err != nil {
		return nil, err
	}
	f.removeStale(log)
	return f, nil
}

// makeRoot makes the root and the folders above it that are missing.
func (f *files) makeRoot(folder string) error {
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "open", Path: folder, Err: syscall.ENOTDIR}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.makeRoot(filepath.Dir(folder)); err != nil {
		return err
	}
	if err := f.disk.mkdir(folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.disk.syncDir(filepath.Dir(folder))
}

func (f *files) stagingFolder() string { return filepath.Join(f.root, temporary) }

func (f *files) localPath(key string) (string, bool) {
	return filepath.Join(f.root, filepath.FromSlash(key)), true
}

func (f *files) path(key string) string {
	path, _ := f.localPath(key)
	return path
}

// put tries again where a folder that was there a moment ago is not: somebody
// tidies up. A root that is gone is not made again: it may be a mount.
func (f *files) put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	err := f.putOnce(ctx, key, body, size)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.forget()
	if err = f.ensureFolder(f.stagingFolder()); err == nil {
		err = f.putOnce(ctx, key, body, size)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a folder below %s vanished: %v", f.root, err) // of a key to be made, "not exist" says nothing
	}
	return err
}

// putOnce moves the object into its place in four steps. If we crash before the
// rename, what is left is a file in the staging folder, which no reader looks
// into. The content is synced before the rename, so a name never stands for
// less than the whole. If we crash between the rename and the folder's sync, the
// key holds either what it held before or the new object, whole both times, and
// the caller was not told that it is stored.
func (f *files) putOnce(ctx context.Context, key string, body io.ReaderAt, size int64) (err error) {
	staged := filepath.Join(f.stagingFolder(), randomName())
	file, err := f.disk.create(staged)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		err = errors.Join(err, file.Close())
		if !renamed {
			f.disk.remove(staged) // what stays is removed by a later Open
		}
	}()
	if err := copyExactly(ctx, file, body, size); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	target := f.path(key)
	if err := f.ensureFolder(filepath.Dir(target)); err != nil {
		return err
	}
	f.swap.Lock()
	err = f.disk.rename(staged, target)
	f.swap.Unlock()
	if err != nil {
		return err
	}
	renamed = true
	return f.disk.syncDir(filepath.Dir(target))
}

// ensureFolder makes a folder below the root and all above it, each synced into
// its parent. A folder that is already there may be another's work who has not
// come to the sync yet, or died before: it is synced too, once.
func (f *files) ensureFolder(folder string) error {
	if folder == f.root || f.isDurable(folder) {
		return nil
	}
	parent := filepath.Dir(folder)
	if err := f.ensureFolder(parent); err != nil {
		return err
	}
	if err := f.disk.mkdir(folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.disk.syncDir(parent); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.durable) >= maxDurable {
		clear(f.durable)
	}
	f.durable[folder] = struct{}{}
	return nil
}

func (f *files) isDurable(folder string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.durable[folder]
	return ok
}

func (f *files) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.durable)
}

func (f *files) get(_ context.Context, key string, off, length int64, etag string) (io.ReadCloser, int64, error) {
	file, err := os.Open(f.path(key))
	if err != nil {
		return nil, 0, notExist(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("not an object: %w", fs.ErrNotExist)
	}
	if err == nil && etag != "" && objectOf(key, info).ETag != etag {
		err = ErrChanged
	}
	var n int64
	if err == nil {
		n, err = rangeWithin(off, length, info.Size())
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, off, n), file}, n, nil
}

// rangeWithin is the number of bytes that a range has in an object of that size.
func rangeWithin(off, length, size int64) (int64, error) {
	if length < 0 {
		length = max(size-off, 0)
	}
	if off > size || length > size-off {
		return 0, fmt.Errorf("%w: %d bytes from %d reach past the end, %d", errArgument, length, off, size)
	}
	return length, nil
}

func (f *files) stat(_ context.Context, key string) (Object, error) {
	info, err := os.Stat(f.path(key))
	if err != nil {
		return Object{}, notExist(err)
	}
	if !info.Mode().IsRegular() {
		return Object{}, fmt.Errorf("not an object: %w", fs.ErrNotExist)
	}
	return objectOf(key, info), nil
}

// notExist knows that a key below another object's is absent.
func notExist(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

func objectOf(key string, info fs.FileInfo) Object {
	var inode uint64
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = uint64(s.Ino)
	}
	return Object{
		Key: key, Size: info.Size(), Modified: info.ModTime().UTC(),
		ETag: fmt.Sprintf("%x-%x-%x", info.ModTime().UnixNano(), info.Size(), inode),
	}
}

// delete syncs the folder also where the file is gone already: it may have been
// removed by a call that did not come to the sync.
func (f *files) delete(_ context.Context, key string) error {
	path := f.path(key)
	info, err := os.Lstat(path)
	if err == nil && info.IsDir() {
		return nil // no object
	}
	if err := f.disk.remove(path); err != nil && !errors.Is(notExist(err), fs.ErrNotExist) {
		return err
	}
	if err := f.disk.syncDir(filepath.Dir(path)); err != nil && !errors.Is(notExist(err), fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeStale clears what crashes left. Faults are only logged: they cost space.
func (f *files) removeStale(log *slog.Logger) {
	entries, err := os.ReadDir(f.stagingFolder())
	if err != nil {
		log.Warn("unfinished objects cannot be listed", "err", err)
	}
	for _, entry := range entries {
		path := filepath.Join(f.stagingFolder(), entry.Name())
		removed, err := f.removeIfStale(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("unfinished object cannot be removed", "path", path, "err", err)
		}
		if removed {
			log.Info("removed an unfinished object of a crash", "path", path)
		}
	}
}

func (f *files) removeIfStale(path string) (removed bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < staleAfter || !lock(file) {
		return false, err
	}
	err = f.disk.remove(path)
	return err == nil, err
}

func copyExactly(ctx context.Context, dst io.Writer, body io.ReaderAt, size int64) error {
	buf := make([]byte, min(size, copyBuffer))
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := body.ReadAt(buf[:min(size-off, copyBuffer)], off)
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: the body has %d bytes, not %d", errArgument, off, size)
			}
			return err
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return err
		}
		off += int64(n)
	}
	return ctx.Err()
}

func randomName() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (f *files) advise(err error) (string, bool) {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "give this process the right to write below " + f.root, false
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free space below " + f.root, true
	case errors.Is(err, syscall.EXDEV):
		return "a store must lie on one file system", false
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EEXIST):
		return "a file or folder that is not the store's is in the way", false
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return "", false
	}
	return "", true
}
