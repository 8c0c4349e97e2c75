package rest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmespath-community/go-jmespath"
)

// maxExpression bounds a JMESPath expression, in bytes.
const maxExpression = 500

// parsed is an answer, read twice at most: with numbers as they are written, and
// with the plain numbers JMESPath computes with.
type parsed struct {
	body  []byte
	exact any
	plain any
}

// place is where in an answer a field is.
type place struct {
	pointer string
	query   jmespath.JMESPath // nil: a pointer
}

func parsePlace(text string) (place, error) {
	if text == "" || strings.HasPrefix(text, "/") {
		return place{pointer: text}, nil
	}
	if len(text) > maxExpression {
		return place{}, fmt.Errorf("an expression has at most %d characters", maxExpression)
	}
	query, err := jmespath.Compile(text)
	if err != nil {
		return place{}, fmt.Errorf("%q is neither a JSON pointer such as /order/eta nor a JMESPath expression such as order.eta", text)
	}
	return place{query: query}, nil
}

func (p place) find(answer *parsed) (any, bool) {
	if p.query == nil {
		return lookUp(answer.exact, p.pointer)
	}
	if answer.plain == nil {
		if err := json.Unmarshal(answer.body, &answer.plain); err != nil {
			return nil, false
		}
	}
	value, err := p.query.Search(answer.plain)
	return value, err == nil
}

// lookUp follows a JSON pointer (RFC 6901).
func lookUp(document any, pointer string) (any, bool) {
	if pointer == "" {
		return document, true
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch node := document.(type) {
		case map[string]any:
			value, ok := node[token]
			if !ok {
				return nil, false
			}
			document = value
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(node) || strconv.Itoa(i) != token {
				return nil, false
			}
			document = node[i]
		default:
			return nil, false
		}
	}
	return document, true
}
