package api

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/usherdesk/usher/portal/problem"
)

// known refuses values outside the contract's enumerations: the generated code
// reads them without looking.
func known(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) {
		if bad := unknownValues(reflect.ValueOf(request), "", nil); len(bad) > 0 {
			return nil, problem.New(http.StatusBadRequest, "unknown_value", "A field holds a value that is not one of the contract's.", bad...)
		}
		return next(c, request)
	}
}

type enumeration interface{ Valid() bool }

// unknownValues walks a request. An empty optional value counts as absent.
func unknownValues(v reflect.Value, name string, bad []problem.Field) []problem.Field {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !(v.Elem().Kind() == reflect.String && v.Elem().Len() == 0) {
			return unknownValues(v.Elem(), name, bad)
		}
	case reflect.String:
		if e, ok := v.Interface().(enumeration); ok && !e.Valid() {
			return append(bad, problem.Field{Field: name, Detail: "is not one of the values the contract names"})
		}
	case reflect.Slice:
		for i := range v.Len() {
			bad = unknownValues(v.Index(i), name, bad)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.IsExported() {
				bad = unknownValues(v.Field(i), fieldName(field), bad)
			}
		}
	}
	return bad
}

func fieldName(f reflect.StructField) string {
	for _, tag := range []string{"json", "form"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" {
			return name
		}
	}
	return f.Name
}
