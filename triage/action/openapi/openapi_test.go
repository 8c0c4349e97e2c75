package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/action/openapi"
)

const erp = `
openapi: 3.0.3
info: {title: ERP, version: "1"}
servers: [{url: "https://{region}.erp.test/v2/", variables: {region: {default: eu}}}]
security: [{token: []}]
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    Base: {type: object, required: [reason], properties: {reason: {type: string, enum: [late, wrong]}, id: {type: string, readOnly: true}}}
    Tree: {type: object, properties: {name: {type: string}, child: {$ref: '#/components/schemas/Tree'}}}
paths:
  /customers/{customerId}/orders/{order-id}:
    parameters: [{name: customerId, in: path, required: true, schema: {type: string}}, {name: order-id, in: path, required: true, schema: {type: string, maxLength: 12}}]
    get:
      operationId: getOrder
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: object, properties: {state: {type: string}, shipTo: {type: object, properties: {"a/b": {type: string}}}, lines: {type: array, items: {type: string}}}}}}
    post:
      operationId: changeOrder
      summary: Change an order
      security: [{key: []}]
      parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}, {name: mode, in: query, required: true, schema: {type: string, enum: [a, b]}}]
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - {$ref: '#/components/schemas/Base'}
                - type: object
                  required: [deliverOn, tenant]
                  properties:
                    deliverOn: {type: string, format: date, title: Day of delivery}
                    count: {type: integer, minimum: 1, maximum: 9}
                    express: {type: boolean}
                    tenant: {type: string}
                    tags: {type: array, items: {type: string}}
                    contact: {type: object, required: [mail], properties: {mail: {type: string, format: email}}}
      responses: {"200": {description: ok}}
  /trees:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}
      responses: {"200": {description: ok}}
`

func TestADescriptionPrefillsWhatACuratorWouldWrite(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Read([]byte(erp))
	require.NoError(t, err)
	require.Equal(t, "ERP", doc.Title)
	require.Len(t, doc.Operations, 3)

	read := doc.Operations[0]
	require.Nil(t, read.Action)
	require.Equal(t, "get_order", read.Source.Name)
	require.Equal(t, "https://eu.erp.test/v2", read.Source.BaseURL)
	require.Equal(t, "/customers/{customer}/orders/{entity}", read.Source.Path)
	require.Equal(t, map[string]string{"state": "/state", "ship_to_a_b": "/shipTo/a~1b"}, read.Source.Fields)
	require.Equal(t, "bearer", read.Source.AuthKind)

	write := doc.Operations[1]
	require.Nil(t, write.Source)
	d := write.Action
	require.NoError(t, d.Check(), "it can be stored as it is")
	require.Equal(t, "/customers/{customer_id}/orders/{order_id}?mode={mode}", d.Path)
	require.Equal(t, action.Auth{Kind: "header", Name: "X-Key"}, d.Auth)
	require.Equal(t, "Idempotency-Key", d.KeyHeader)
	require.False(t, d.HonoursKey, "that is for a person to say")
	require.Equal(t, map[string]any{
		"contact": map[string]any{"mail": "{mail}"}, "count": "{count}", "deliverOn": "{deliver_on}", "express": "{express}", "reason": "{reason}", "tenant": "{its_tenant}",
	}, d.Body, "what is read only or a list is left out")
	kinds := map[string]action.Kind{}
	for _, p := range d.Parameters {
		kinds[p.Name] = p.Kind
	}
	require.Equal(t, map[string]action.Kind{
		"customer_id": "text", "order_id": "text", "mode": "choice", "mail": "email", "count": "number", "deliver_on": "date", "express": "yes_no", "reason": "choice", "its_tenant": "text",
	}, kinds)
	body, err := d.YAML()
	require.NoError(t, err)
	back, err := action.Parse([]byte(body))
	require.NoError(t, err)
	require.Equal(t, *d, back)
	require.NotEmpty(t, doc.Operations[2].Notes, "a shape that holds itself ends")
}

func TestOurOwnDescriptionIsRead(t *testing.T) {
	t.Parallel()
	spec, err := portal.SpecJSON()
	require.NoError(t, err)
	doc, err := openapi.Read(spec)
	require.NoError(t, err)
	require.Greater(t, len(doc.Operations), 80)
	actions := 0
	for _, o := range doc.Operations {
		if o.Action != nil {
			actions++
			body, err := o.Action.YAML()
			require.NoError(t, err)
			require.NotEmpty(t, body)
		}
	}
	require.Greater(t, actions, 40)
}

func TestWhatIsNoDescriptionIsRefusedAndNothingIsFetched(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte("type: string"))
	}))
	t.Cleanup(server.Close)
	file := t.TempDir() + "/secret.yaml"
	require.NoError(t, os.WriteFile(file, []byte("type: string"), 0o600))
	for name, text := range map[string]string{
		"nothing": "", "no YAML": "\t{", "Swagger 2": "swagger: \"2.0\"\ninfo: {title: x, version: \"1\"}\npaths: {}", "a list": "[1, 2]",
		"a file":     strings.Replace(erp, "'#/components/schemas/Tree'", "'"+file+"'", 1),
		"an address": strings.Replace(erp, "'#/components/schemas/Tree'", "'"+server.URL+"/x.yaml'", 1),
		"nowhere":    strings.Replace(erp, "'#/components/schemas/Tree'", "'#/components/schemas/None'", 1),
	} {
		_, err := openapi.Read([]byte(text))
		require.ErrorIs(t, err, openapi.ErrBadDocument, name)
	}
	require.Zero(t, asked)
}

// alone is a description that refers to nothing, so that any part can go.
const alone = `
openapi: 3.1.0
info: {title: CRM, version: "1"}
security: [{token: []}]
components: {securitySchemes: {token: {type: http, scheme: basic}}}
paths:
  /deals/{id}:
    servers: [{url: "https://crm.test"}]
    patch:
      servers: [{url: "https://{region}.crm.test", variables: {region: {default: eu}}}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: X-Version, in: header, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, allOf: [{properties: {stage: {type: string}}}], properties: {value: {type: [number, "null"]}}}}}}
      responses: {default: {description: ok}}
    get:
      security: [{token: []}]
      responses: {"200": {description: ok, content: {"*/*": {schema: {allOf: [{properties: {stage: {type: string}}}]}}}}}
`

// Every part of a description may be missing, or be something else.
func TestADescriptionWithAPartMissingNeverBreaks(t *testing.T) {
	t.Parallel()
	texts := 0
	var whole any
	read := func(at string) {
		text, err := json.Marshal(whole)
		require.NoError(t, err)
		require.NotPanics(t, func() { _, _ = openapi.Read(text) }, "%s: %s", at, text)
		texts++
	}
	others := []any{nil, map[string]any{}, []any{}, []any{nil}, "", 7}
	var each func(at string, node any)
	each = func(at string, node any) {
		switch n := node.(type) {
		case map[string]any:
			for name, child := range n {
				at := at + "/" + name
				delete(n, name)
				read(at + " missing")
				for _, n[name] = range others {
					read(fmt.Sprintf("%s is %v", at, n[name]))
				}
				n[name] = map[string]any{"": nil}
				read(at + " of nothing")
				n[name] = child
				each(at, child)
			}
		case []any:
			for i, child := range n {
				at := fmt.Sprintf("%s/%d", at, i)
				for _, n[i] = range others {
					read(fmt.Sprintf("%s is %v", at, n[i]))
				}
				n[i] = child
				each(at, child)
			}
		}
	}
	for _, text := range []string{erp, alone} {
		require.NoError(t, yaml.Unmarshal([]byte(text), &whole))
		read("whole")
		each("", whole)
	}
	require.Greater(t, texts, 1000)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(erp))
	f.Add([]byte(alone))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = openapi.Read(text) })
}
