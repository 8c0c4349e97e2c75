package openaifake

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// The description gives the schema of one chunk for the whole stream; the
// validator knows no event streams. Every chunk is held to the schema here, and
// the last is given back for the validator's own check.
func init() {
	openapi3filter.RegisterBodyDecoder("text/event-stream", func(body io.Reader, _ http.Header, schema *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		var last any
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found || data == "[DONE]" {
				continue
			}
			var chunk any
			if err := json.Unmarshal([]byte(data), &chunk); err != nil {
				return nil, fmt.Errorf("chunk %q: %w", data, err)
			}
			if err := schema.Value.VisitJSON(chunk, openapi3.VisitAsResponse(), openapi3.EnableJSONSchema2020()); err != nil {
				return nil, fmt.Errorf("chunk %q: %w", data, err)
			}
			last = chunk
		}
		return last, lines.Err()
	})
}
