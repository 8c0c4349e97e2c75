package openaifake

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"regexp"
	"strings"

	"github.com/usherdesk/usher/knowledge/chunk"
)

var firstPassage = regexp.MustCompile(`(?s)«PASSAGE (\d+)»\n.*?\n\n(.*?)\n«END PASSAGE`)

// model is a small model that quotes: it answers with the first sentence of the
// first passage and its citation, NOT_FOUND where there is none, and sorts a
// message by the words of the intents' names.
func model(call Call) string {
	if call.Structured {
		return verdict(call)
	}
	found := firstPassage.FindStringSubmatch(call.User)
	if found == nil {
		return "NOT_FOUND"
	}
	sentences := chunk.Sentences(strings.Join(strings.Fields(chunk.Plain(found[2])), " "))
	if len(sentences) == 0 {
		return "NOT_FOUND"
	}
	return sentences[0] + " [" + found[1] + "]"
}

// verdict fills the schema that was asked for.
func verdict(call Call) string {
	var body struct {
		Format struct {
			Schema struct {
				Schema struct {
					Properties map[string]struct {
						Enum []string `json:"enum"`
					} `json:"properties"`
				} `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if json.Unmarshal([]byte(call.Raw), &body) != nil {
		return ""
	}
	_, text, _ := strings.Cut(call.User, "«MESSAGE»")
	text = strings.ToLower(text)
	intent, most := "none", 0
	for _, name := range body.Format.Schema.Schema.Properties["intent"].Enum {
		hits := 0
		for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ' ' }) {
			if strings.Contains(text, strings.ToLower(word)) {
				hits++
			}
		}
		if hits > most {
			intent, most = name, hits
		}
	}
	raw, _ := json.Marshal(map[string]any{"intent": intent, "language": "en", "sentiment": "neutral", "priority": "normal", "confidence": 0.8})
	return string(raw)
}

// Vector is a text's vector: its hashed words, of length 1.
func Vector(text string, dimensions int) []float32 {
	out := make([]float32, dimensions)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(word))
		out[hash.Sum32()%uint32(dimensions)]++
	}
	norm := 0.0
	for _, x := range out {
		norm += float64(x) * float64(x)
	}
	if norm == 0 {
		out[0], norm = 1, 1
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(norm))
	}
	return out
}
