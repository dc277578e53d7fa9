package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// encodeListings stands before versitygw, which does not do what encoding-type=url of
// a listing asks for: to encode the keys. AWS's SDK for Java 1, and so PrestoDB and
// Hadoop, asks for it always and decodes what it gets, so that it would look for k=100%
// where the key is k=100%25. Everything else passes as it is, with its signature.
func encodeListings(target string) (*httptest.Server, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(u)
			p.Out.Host = p.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Query().Get("encoding-type") != "url" || r.StatusCode != http.StatusOK {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil {
				return err
			}
			body = encodedListing(body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}), nil
}

// listed are the elements of a listing that are encoded.
var listed = regexp.MustCompile(`<(Key|Prefix|Delimiter|Marker|NextMarker|StartAfter|KeyMarker|NextKeyMarker)>([^<]*)</`)

func encodedListing(body []byte) []byte {
	body = listed.ReplaceAllFunc(body, func(element []byte) []byte {
		m := listed.FindSubmatch(element)
		var text string
		if xml.Unmarshal([]byte("<t>"+string(m[2])+"</t>"), &text) != nil {
			return element
		}
		return []byte("<" + string(m[1]) + ">" + strings.ReplaceAll(url.QueryEscape(text), "%2F", "/") + "</")
	})
	return bytes.Replace(body, []byte("<EncodingType></EncodingType>"), []byte("<EncodingType>url</EncodingType>"), 1)
}
