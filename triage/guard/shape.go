package guard

import (
	"regexp"
	"strings"
)

// Marks of the formats that chat models are fed with. A person who writes to a
// support desk has no use for them: they are there to pass for the system.
var (
	modelTokens = regexp.MustCompile(`(?i)<\|(?:im_start|im_end|system|user|assistant|start_header_id|end_header_id|eot_id|endoftext|begin_of_text)\|>|\[/?INST\]|<</?SYS>>|<start_of_turn>|<end_of_turn>`)
	systemMark  = regexp.MustCompile(`(?im)^\s*(?:#{2,4} ?(?:system ?:|system (?:message|prompt|instructions?|override)|new instructions?|override)|\[(?:system|admin|root|developer)(?: (?:message|prompt|note|override|notice))?\]|<(?:system|admin|root|developer|override)(?:[ _-](?:message|prompt|note))?>|<<\s*(?:SYSTEM|NEW SYSTEM|ADMIN|OVERRIDE)|system[ _](?:override|prompt|directive) ?[:=]|%{3} ?(?:BEGIN|END) )` +
		`|["'](?:role|author)["'] ?: ?["'](?:system|developer)["']|</(?:context|document|documents|input|user_input|untrusted|data)>\s*\S|(?i:-{3,}|={3,}|\bBEGIN|\bEND OF|\bEND) ?(?i:(?:USER|SYSTEM|PRIVILEGED|ADMIN|HUMAN)[ _](?:INPUT|PROMPT|BLOCK|MESSAGE|CONVERSATION|INSTRUCTIONS))`)
	// assistantLine is a line of a chat the assistant would have written, other another's.
	assistantLine = regexp.MustCompile(`(?im)(?:^|[.!?]\s+|\n)\s*(?:assistant|ai|model|gpt|chatgpt|ki|assistent|asistente|assistente) ?:`)
	otherLine     = regexp.MustCompile(`(?im)(?:^|[.!?]\s+|\n)\s*(?:user|human|customer|kunde|nutzer|client|utilisateur|usuario|cliente|usuário) ?(?:\d )?:`)
	// goesOn is an end that asks the model to write on.
	goesOn = regexp.MustCompile(`(?i)(?:^|[\n.!?]\s*)(?:assistant|ai|model|gpt|output|response|ki|assistent|asistente|assistente) ?: ?(?:[^\n]{0,40}\b(?:is|is at|are|says|in full|follows):?)?\s*$|^\s*(?:assistant|ai|model) ?:`)
)

// forged lists the signs of a text that passes for something else than a message:
// a system's, or a chat in which the assistant has already spoken.
func forged(text string) (strong, weak []string) {
	if strings.ContainsAny(text, "<[#%=\"'-") || strings.Contains(text, "BEGIN") || strings.Contains(text, ":") {
		if modelTokens.MatchString(text) {
			strong = append(strong, "model's own marks")
		}
		if systemMark.MatchString(text) {
			weak = append(weak, "system's marks")
		}
	}
	if strings.Contains(text, ":") && assistantLine.MatchString(text) {
		weak = append(weak, "assistant's lines")
		if otherLine.MatchString(text) && goesOn.MatchString(text) {
			weak = append(weak, "made-up chat")
		}
	}
	return strong, weak
}
