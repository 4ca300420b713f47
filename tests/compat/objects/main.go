// Reads Kubernetes objects as strictly as an API server does: each must have a known kind, only the fields of its Go type,
// and values of the right type. Says of each object that is wrong what is wrong:
//
//	objects deployment.yaml scrape.yml
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	decoder, wrong := strictDecoder(), false
	for _, file := range os.Args[1:] {
		for _, err := range check(decoder, file) {
			fmt.Printf("%s: %v\n", file, err)
			wrong = true
		}
	}
	if wrong {
		os.Exit(1)
	}
}

func strictDecoder() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
		monitoringv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// check returns what is wrong with the objects of a file, which must have at least one.
func check(decoder runtime.Decoder, file string) (wrong []error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	documents, count := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content))), 0
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return append(wrong, err)
		}
		count++
		object, _, err := decoder.Decode(document, nil, nil)
		if err == nil {
			err = checkFurther(object)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if count == 0 {
		wrong = append(wrong, errors.New("the file has no objects"))
	}
	return wrong
}

// checkFurther checks what the type of an object leaves open, but the Prometheus Operator refuses.
func checkFurther(object runtime.Object) error {
	switch object := object.(type) {
	case *v1alpha1.AlertmanagerConfig:
		return checkAlerting(object.Spec)
	case *monitoringv1.Probe:
		return object.Spec.Targets.Validate()
	}
	return nil
}

func checkAlerting(spec v1alpha1.AlertmanagerConfigSpec) error {
	wrong := []error{checkRoute(spec.Route)}
	for _, rule := range spec.InhibitRules {
		wrong = append(wrong, checkMatchers(rule.SourceMatch), checkMatchers(rule.TargetMatch))
	}
	return errors.Join(wrong...)
}

// checkRoute checks a route and those below it, which have no type of their own.
func checkRoute(route *v1alpha1.Route) error {
	children, err := route.ChildRoutes()
	wrong := []error{err, checkMatchers(route.Matchers)}
	for _, child := range children {
		wrong = append(wrong, checkRoute(&child))
	}
	return errors.Join(wrong...)
}

func checkMatchers(matchers []v1alpha1.Matcher) error {
	var wrong []error
	for _, matcher := range matchers {
		wrong = append(wrong, matcher.Validate())
	}
	return errors.Join(wrong...)
}
