// Command promql parses the queries of the alerts (PrometheusRule) and Grafana dashboards (ConfigMap) on standard input,
// as Prometheus does.
//
// It prints a line "metric, label, value" with tabs for each label that a query selects or groups by. A label that is
// grouped by has no value; a selector without labels has neither. It fails if a query cannot be parsed.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// manifest is a PrometheusRule or a ConfigMap.
type manifest struct {
	Spec struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	Data map[string]string
}

// dashboard is a dashboard of Grafana.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// query is a PromQL expression and the alert, panel or variable that has it.
type query struct{ owner, expr, label string }

// labelValues is the query of a variable, which is not PromQL as a whole.
var labelValues = regexp.MustCompile(`^label_values\((.+), ([a-z_]+)\)$`)

func main() {
	queries, err := read(os.Stdin)
	if err == nil && len(queries) == 0 {
		err = errors.New("standard input has no queries")
	}
	for _, query := range queries {
		err = errors.Join(err, describe(query))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(input io.Reader) ([]query, error) {
	var queries []query
	decoder := yaml.NewDecoder(input)
	for {
		var object manifest
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return queries, nil
		} else if err != nil {
			return nil, err
		}
		for _, group := range object.Spec.Groups {
			for _, rule := range group.Rules {
				queries = append(queries, query{owner: rule.Alert, expr: rule.Expr})
			}
		}
		for name, text := range object.Data {
			found, err := inDashboard(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			queries = append(queries, found...)
		}
	}
}

func inDashboard(text string) ([]query, error) {
	var board dashboard
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		return nil, err
	}
	var queries []query
	for _, variable := range board.Templating.List {
		if variable.Definition == "" {
			continue
		}
		parts := labelValues.FindStringSubmatch(variable.Definition)
		if parts == nil {
			return nil, fmt.Errorf("variable %s: %q is not label_values(selector, label)", variable.Name, variable.Definition)
		}
		queries = append(queries, query{owner: variable.Name, expr: parts[1], label: parts[2]})
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			// Grafana fills it in; the other variables are inside of strings.
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			queries = append(queries, query{owner: panel.Title, expr: expr})
		}
	}
	return queries, nil
}

// describe prints the labels of a query.
func describe(query query) error {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query.expr)
	if err != nil {
		return fmt.Errorf("%s: %w in %s", query.owner, err, query.expr)
	}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		fmt.Printf("%s\t\t\n", selector.Name)
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != labels.MetricName {
				fmt.Printf("%s\t%s\t%s\n", selector.Name, matcher.Name, matcher.Value)
			}
		}
		for _, label := range append(joined(path), query.label) {
			if label != "" {
				fmt.Printf("%s\t%s\t\n", selector.Name, label)
			}
		}
		return nil
	})
	return nil
}

// joined returns the labels by which operations around a selector group or match.
func joined(path []parser.Node) []string {
	var names []string
	for _, node := range path {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			names = append(names, node.Grouping...)
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				names = append(names, node.VectorMatching.MatchingLabels...)
			}
		}
	}
	return names
}
