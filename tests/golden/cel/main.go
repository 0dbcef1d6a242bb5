// Command cel writes into tests/golden/cel.jsonl how cel-go evaluates each of its expressions.
//
//	cd tests/golden/cel && go run .
//
// Each line is a JSON object: `expression`, and `value` or `error`: "compile" if the type checker
// refuses the expression, "evaluate" if it fails later. The variable `claims` is the object in
// claims.json, which may have any type, as in Kubernetes' AuthenticationConfiguration.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

const file = "../cel.jsonl"

type line struct {
	Expression string          `json:"expression"`
	Value      json.RawMessage `json:"value,omitempty"`
	Error      string          `json:"error,omitempty"`
}

// whole turns whole numbers of JSON into integers, as Kubernetes does.
func whole(value any) any {
	switch value := value.(type) {
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	case []any:
		for at := range value {
			value[at] = whole(value[at])
		}
	case map[string]any:
		for key := range value {
			value[key] = whole(value[key])
		}
	}
	return value
}

func evaluate(env *cel.Env, claims any, text string) line {
	result := line{Expression: text}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		result.Error = "compile"
		return result
	}
	program, err := env.Program(tree)
	if err != nil {
		result.Error = "compile"
		return result
	}
	value, _, err := program.Eval(map[string]any{"claims": claims})
	if err == nil {
		var native any
		native, err = value.ConvertToNative(reflect.TypeOf(&structpb.Value{}))
		if err == nil {
			result.Value, err = protojson.Marshal(native.(*structpb.Value))
		}
	}
	if err != nil {
		result.Error = "evaluate"
	}
	return result
}

func main() {
	var claims any
	text, err := os.ReadFile("claims.json")
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		panic(err)
	}
	env, err := cel.NewEnv(
		cel.Variable("claims", cel.MapType(cel.StringType, cel.DynType)),
		cel.OptionalTypes(), ext.Strings(ext.StringsVersion(2)),
		cel.CrossTypeNumericComparisons(true), cel.EnableIdentifierEscapeSyntax(),
	)
	if err != nil {
		panic(err)
	}
	input, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	var lines []line
	for scanner := bufio.NewScanner(input); scanner.Scan(); {
		var read line
		if err := json.Unmarshal(scanner.Bytes(), &read); err != nil {
			panic(fmt.Sprintf("%s: %v", scanner.Text(), err))
		}
		lines = append(lines, evaluate(env, whole(claims), read.Expression))
	}
	output, err := os.Create(file)
	if err != nil {
		panic(err)
	}
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			panic(err)
		}
	}
	if err := output.Close(); err != nil {
		panic(err)
	}
}
