package executor

/*
#include <stdlib.h>

void sluiceScalar(void *info, void *input, void *output);
typedef void (*sluice_scalar_t)(void *, void *, void *);
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// A Function is a scalar function in Go, for what no function of DuckDB's does
// exactly. It must give the same answer to the same arguments, and may be called by
// several threads at once. It is not called where an argument is NULL: the answer
// is NULL then.
type Function struct {
	Name       string
	Parameters []string // each VARCHAR or BLOB
	Result     string   // VARCHAR or BLOB
	// Call appends the answer to dst, or says that it is NULL. The arguments are
	// DuckDB's memory and must not be kept. A text must be valid UTF-8.
	Call func(dst []byte, args [][]byte) (answer []byte, null bool, err error)
}

// functions are those of an executor, where C finds them.
type functions struct {
	list    []Function
	handles []cgo.Handle
	memory  []unsafe.Pointer // each holds a handle
}

func newFunctions(list []Function) *functions {
	fs := &functions{list: list}
	for i := range list {
		h := cgo.NewHandle(&list[i])
		p := C.malloc(C.size_t(unsafe.Sizeof(h)))
		*(*cgo.Handle)(p) = h
		fs.handles, fs.memory = append(fs.handles, h), append(fs.memory, p)
	}
	return fs
}

// free is called when no instance is left.
func (fs *functions) free() {
	for i, h := range fs.handles {
		h.Delete()
		C.free(fs.memory[i])
	}
	fs.handles, fs.memory = nil, nil
}

var functionTypes = map[string]mapping.Type{"VARCHAR": mapping.TypeVarchar, "BLOB": mapping.TypeBlob}

// register makes the functions known to an instance.
func (fs *functions) register(in *instance) error {
	for i := range fs.list {
		f := &fs.list[i]
		sf := mapping.CreateScalarFunction()
		mapping.ScalarFunctionSetName(sf, f.Name)
		for _, p := range f.Parameters {
			lt := mapping.CreateLogicalType(functionTypes[p])
			mapping.ScalarFunctionAddParameter(sf, lt)
			mapping.DestroyLogicalType(&lt)
		}
		lt := mapping.CreateLogicalType(functionTypes[f.Result])
		mapping.ScalarFunctionSetReturnType(sf, lt)
		mapping.DestroyLogicalType(&lt)
		mapping.ScalarFunctionSetExtraInfo(sf, fs.memory[i], nil)
		mapping.ScalarFunctionSetFunction(sf, unsafe.Pointer(C.sluice_scalar_t(C.sluiceScalar)))
		state := mapping.RegisterScalarFunction(in.conn, sf)
		mapping.DestroyScalarFunction(&sf)
		if state == mapping.StateError {
			return fmt.Errorf("open executor: the function %s is refused", f.Name)
		}
	}
	return nil
}

//export sluiceScalar
func sluiceScalar(infoPtr, inputPtr, outputPtr unsafe.Pointer) {
	info, input, output := mapping.FunctionInfo{Ptr: infoPtr}, mapping.DataChunk{Ptr: inputPtr}, mapping.Vector{Ptr: outputPtr}
	f := (*(*cgo.Handle)(mapping.ScalarFunctionGetExtraInfo(info))).Value().(*Function)
	defer func() { // a panic must not cross into C
		if p := recover(); p != nil {
			mapping.ScalarFunctionSetError(info, fmt.Sprintf("BUG: function %s: %v", f.Name, p))
		}
	}()
	if err := f.fill(input, output); err != nil {
		mapping.ScalarFunctionSetError(info, err.Error())
	}
}

// fill computes a chunk's answers. The vectors that come are flat.
func (f *Function) fill(input mapping.DataChunk, output mapping.Vector) error {
	cells := make([]cell, len(f.Parameters))
	for i := range cells {
		cells[i].typ = functionTypes[f.Parameters[i]]
		cells[i].point(mapping.DataChunkGetVector(input, mapping.IdxT(i)))
	}
	args := make([][]byte, len(cells))
	var buf []byte
	nulls := false

	for row := range int(mapping.DataChunkGetSize(input)) {
		null := false
		for i := range cells {
			if null = cells[i].null(row); null {
				break
			}
			args[i] = cells[i].bytes(row)
		}
		if !null {
			var err error
			if buf, null, err = f.Call(buf[:0], args); err != nil {
				return err
			}
		}
		if null {
			if !nulls {
				mapping.VectorEnsureValidityWritable(output)
				nulls = true
			}
			mapping.ValiditySetRowInvalid(mapping.VectorGetValidity(output), mapping.IdxT(row))
			continue
		}
		mapping.VectorAssignStringElementLen(output, mapping.IdxT(row), buf)
	}
	return nil
}
