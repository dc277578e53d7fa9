package footer

import "encoding/binary"

// noColumn is the column of a file that has only its rows. A table's column of that
// name would be NULL, as the file has it.
const noColumn = "no column"

// The numbers of the Parquet format that rowsOnly needs.
const (
	typeBoolean   = 0
	optional      = 1
	plain         = 0
	rle           = 3
	dataPage      = 0
	maxPageValues = 1 << 30
)

// rowsOnly makes the pages and the metadata of a file with that many rows and
// nothing in them. The pages stand behind the head.
func rowsOnly(rows int64) (pages, meta []byte) {
	for left := rows; left > 0; left -= min(left, maxPageValues) {
		pages = append(pages, nullPage(min(left, maxPageValues))...)
	}
	binaryField := func(id int16, s string) field {
		return field{id: id, typ: typeBinary, value: appendText(nil, s)}
	}
	numbers := func(of ...int64) (items [][]byte) {
		for _, v := range of {
			items = append(items, binary.AppendVarint(nil, v))
		}
		return items
	}
	chunk := appendStruct(nil, []field{
		number(2, typeI64, int64(len(Head))),
		{id: 3, typ: typeStruct, value: appendStruct(nil, []field{
			number(1, typeI32, typeBoolean),
			{id: 2, typ: typeList, value: appendList(nil, typeI32, numbers(plain, rle))},
			{id: 3, typ: typeList, value: appendList(nil, typeBinary, [][]byte{appendText(nil, noColumn)})},
			number(4, typeI32, 0), // uncompressed
			number(5, typeI64, rows),
			number(6, typeI64, int64(len(pages))),
			number(7, typeI64, int64(len(pages))),
			number(9, typeI64, int64(len(Head))),
		})},
	})
	schema := [][]byte{
		appendStruct(nil, []field{binaryField(4, "schema"), number(5, typeI32, 1)}),
		appendStruct(nil, []field{number(1, typeI32, typeBoolean), number(3, typeI32, optional), binaryField(4, noColumn)}),
	}
	return pages, appendStruct(nil, []field{
		number(1, typeI32, 1),
		{id: 2, typ: typeList, value: appendList(nil, typeStruct, schema)},
		number(3, typeI64, rows),
		{id: 4, typ: typeList, value: appendList(nil, typeStruct, [][]byte{rowGroup([][]byte{chunk}, int64(len(pages)), rows)})},
	})
}

// nullPage is a page of n nulls: one run of the definition level 0.
func nullPage(n int64) []byte {
	levels := append(binary.AppendUvarint(nil, uint64(n)<<1), 0)
	body := append(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), levels...)
	head := appendStruct(nil, []field{
		number(1, typeI32, dataPage), number(2, typeI32, int64(len(body))), number(3, typeI32, int64(len(body))),
		{id: 5, typ: typeStruct, value: appendStruct(nil, []field{
			number(1, typeI32, n), number(2, typeI32, plain), number(3, typeI32, rle), number(4, typeI32, rle),
		})},
	})
	return append(head, body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
