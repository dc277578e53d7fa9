package jq

import (
	"encoding/json"

	"sluice/internal/jsonscan"
)

// decode makes gojq's value of the valid JSON value at i, and returns its end.
// Numbers keep their text.
func decode(data []byte, i int) (any, int) {
	switch data[i] {
	case '{':
		return decodeObject(data, i)
	case '[':
		list := []any{}
		for i = jsonscan.SkipSpace(data, i+1); data[i] != ']'; i = jsonscan.SkipSpace(data, i) {
			if data[i] == ',' {
				i = jsonscan.SkipSpace(data, i+1)
			}
			var v any
			v, i = decode(data, i)
			list = append(list, v)
		}
		return list, i + 1
	case '"':
		return decodeString(data, i)
	case 't':
		return true, i + 4
	case 'f':
		return false, i + 5
	case 'n':
		return nil, i + 4
	}
	end, _, _ := jsonscan.Number(data, i)
	return json.Number(data[i:end]), end
}

func decodeObject(data []byte, i int) (any, int) {
	object := map[string]any{}
	for i = jsonscan.SkipSpace(data, i+1); data[i] != '}'; i = jsonscan.SkipSpace(data, i) {
		if data[i] == ',' {
			i = jsonscan.SkipSpace(data, i+1)
		}
		var key string
		key, i = decodeString(data, i)
		i = jsonscan.SkipSpace(data, jsonscan.SkipSpace(data, i)+1)
		object[key], i = decode(data, i)
	}
	return object, i + 1
}

func decodeString(data []byte, i int) (string, int) {
	end, escaped, _ := jsonscan.String(data, i)
	if escaped {
		return string(jsonscan.AppendUnquoted(nil, data[i:end])), end
	}
	return string(data[i+1 : end-1]), end
}
