{{- define "lanyard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "lanyard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "lanyard.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lanyard.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lanyard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The labels of every object. Labels of values cannot replace those of the chart, which select Pods. */ -}}
{{- define "lanyard.labels" -}}
{{- $labels := include "lanyard.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- merge $labels (.Values.commonLabels | default dict) (.Values.global.commonLabels | default dict) | toYaml -}}
{{- end -}}

{{- /* The metadata of an object from a dict: root is the root context; name, namespace, labels and annotations are
       optional. "-" as the namespace means none. */ -}}
{{- define "lanyard.metadata" -}}
{{- $root := .root -}}
{{- $labels := merge (include "lanyard.labels" $root | fromYaml) (.labels | default dict) -}}
{{- $common := merge dict ($root.Values.commonAnnotations | default dict) ($root.Values.global.commonAnnotations | default dict) -}}
name: {{ .name | default (include "lanyard.fullname" $root) }}
{{- if ne .namespace "-" }}
namespace: {{ .namespace | default $root.Release.Namespace }}
{{- end }}
labels: {{- toYaml $labels | nindent 2 }}
{{- with merge dict (.annotations | default dict) $common }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lanyard.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lanyard.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the ServiceAccount, because serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The image: registry/repository:tag, or registry/repository@digest. */ -}}
{{- define "lanyard.image" -}}
{{- with .Values.image -}}
{{- if not .repository -}}
{{- fail "image.repository: set the repository of your image; no image has been published yet, so build and push one: see docs/image.md" -}}
{{- end -}}
{{- with $.Values.global.imageRegistry | default .registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository -}}
{{- if or .tag (not .digest) }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* Secrets for the registry. Parent charts also write plain names in global.imagePullSecrets. */ -}}
{{- define "lanyard.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (.Values.imagePullSecrets | default list) (.Values.global.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- uniq $secrets | toYaml -}}
{{- end -}}

{{- /* A security context without the fields that are unset. Helm drops null in the values.yaml of a parent chart, so an
       empty text does the same. */ -}}
{{- define "lanyard.securityContext" -}}
{{- $context := dict -}}
{{- range $field, $value := . -}}
{{- if ne (toString $value) "" -}}
{{- $_ := set $context $field $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- /* The base URL's host, without the port. */ -}}
{{- define "lanyard.host" -}}
{{- (urlParse .Values.baseUrl).hostname -}}
{{- end -}}

{{- /* The name of the port of the endpoints, which is also their scheme. */ -}}
{{- define "lanyard.scheme" -}}
{{- ternary "https" "http" (ne (.Values.tls.secretName | default "") "") -}}
{{- end -}}

{{- /* Not empty if there is a port for certificates of applications. */ -}}
{{- define "lanyard.mtls" -}}
{{- if or .Values.mtls.enabled .Values.mtls.proxy.enabled -}}true{{- end -}}
{{- end -}}

{{- /* The name of the ConfigMap of host settings. */ -}}
{{- define "lanyard.hostsName" -}}
{{- printf "%s-hosts" (include "lanyard.fullname" .) -}}
{{- end -}}

{{- /* A JSON list of the addresses inside the cluster, each with its url and namespaces. The first one is preferred.
       A Service without a cluster address leads to the Pods' own port. */ -}}
{{- define "lanyard.internalHosts" -}}
{{- $scheme := include "lanyard.scheme" . -}}
{{- $port := eq (.Values.service.clusterIP | default "") "None" | ternary 8080 (int .Values.service.port) -}}
{{- $port := eq $port (eq $scheme "https" | ternary 443 80) | ternary "" (printf ":%d" $port) -}}
{{- $service := printf "%s.%s" (include "lanyard.fullname" .) .Release.Namespace -}}
{{- $hosts := list -}}
{{- range list (printf "%s.svc" $service) $service (printf "%s.svc.%s" $service .Values.clusterDomain) -}}
{{- $hosts = append $hosts (dict "url" (printf "%s://%s%s" $scheme . $port) "namespaces" (list "*")) -}}
{{- end -}}
{{- range .Values.internalHosts -}}
{{- $hosts = append $hosts (dict "url" .url "namespaces" (.namespaces | default (list "*"))) -}}
{{- end -}}
{{- toJson $hosts -}}
{{- end -}}

{{- /* Whether replicas can share the store. */ -}}
{{- define "lanyard.sharedStore" -}}
{{- if not (has .Values.store.type (list "memory" "embedded")) -}}true{{- end -}}
{{- end -}}

{{- /* Whether there may be more than one replica. */ -}}
{{- define "lanyard.severalReplicas" -}}
{{- if and (include "lanyard.sharedStore" .) (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) -}}true{{- end -}}
{{- end -}}

{{- /* The drain delay. Where no other Pod can serve meanwhile, waiting only makes the pause longer. */ -}}
{{- define "lanyard.drainDelay" -}}
{{- .Values.drainDelay | default (eq (include "lanyard.sharedStore" .) "true" | ternary "10s" "3s") -}}
{{- end -}}

{{- /* A duration such as 1m30s in milliseconds. */ -}}
{{- define "lanyard.milliseconds" -}}
{{- $units := dict "h" 3600000 "m" 60000 "s" 1000 "ms" 1 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(h|ms|m|s)" . -1 -}}
{{- $sum = add $sum (mul (regexFind "^[0-9]+" . | atoi) (get $units (regexFind "[a-z]+$" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- /* The grace period in seconds. The store, the Lease and the log need some time after the drain. */ -}}
{{- define "lanyard.gracePeriod" -}}
{{- $delay := include "lanyard.drainDelay" . -}}
{{- $drain := add (include "lanyard.milliseconds" $delay) (include "lanyard.milliseconds" .Values.drainTimeout) -}}
{{- $seconds := divf $drain 1000 | ceil | int -}}
{{- with .Values.terminationGracePeriodSeconds | int -}}
{{- if lt . $seconds -}}
{{- fail (printf "terminationGracePeriodSeconds: %d s are shorter than drainDelay (%s) and drainTimeout (%s), so requests would be cut off; set at least %d, or 0 to derive it" . $delay $.Values.drainTimeout $seconds) -}}
{{- end -}}
{{- . -}}
{{- else -}}
{{- add $seconds 30 -}}
{{- end -}}
{{- end -}}

{{- /* watchNamespacesSelector in the form of the API server's parameter labelSelector. */ -}}
{{- define "lanyard.namespacesSelector" -}}
{{- $terms := list -}}
{{- $selector := .Values.watchNamespacesSelector | default dict -}}
{{- range $label, $value := $selector.matchLabels -}}
{{- $terms = append $terms (printf "%s=%s" $label $value) -}}
{{- end -}}
{{- range $selector.matchExpressions -}}
{{- $values := join "," .values -}}
{{- if and (has .operator (list "In" "NotIn")) (not .values) -}}
{{- fail (printf "watchNamespacesSelector: the operator %s of %s needs values" .operator .key) -}}
{{- end -}}
{{- $forms := dict "In" (printf "%s in (%s)" .key $values) "NotIn" (printf "%s notin (%s)" .key $values) "Exists" .key "DoesNotExist" (printf "!%s" .key) -}}
{{- $terms = append $terms (get $forms .operator) -}}
{{- end -}}
{{- join "," $terms -}}
{{- end -}}

{{- /* A JSON list of the namespaces of watchNamespaces and registration.namespaces that do not exist or are being
       deleted, in which no Role can be created. Without an API
       server (helm template, Argo CD) every lookup is empty, so that nothing counts as missing. The release's own
       namespace may be created after rendering. */ -}}
{{- define "lanyard.missingNamespaces" -}}
{{- $missing := list -}}
{{- if .Values.rbac.checkNamespaces -}}
{{- $named := concat (.Values.watchNamespaces | default list) (.Values.registration.namespaces | default list) -}}
{{- $named = without $named .Release.Namespace | uniq -}}
{{- range $named -}}
{{- $namespace := lookup "v1" "Namespace" "" . -}}
{{- if not (and $namespace (not $namespace.metadata.deletionTimestamp)) -}}
{{- $missing = append $missing . -}}
{{- end -}}
{{- end -}}
{{- if and $missing (eq (len $missing) (len $named)) (not (lookup "v1" "Namespace" "" "default")) -}}
{{- $missing = list -}}
{{- end -}}
{{- end -}}
{{- toJson $missing -}}
{{- end -}}

{{- /* A role and its binding to the ServiceAccount from a dict: root is the root context; name is the name in a
       namespace; rules are the rules as text. Without a namespace they are a ClusterRole and its binding. */ -}}
{{- define "lanyard.role" -}}
{{- $root := .root -}}
{{- $prefix := "" -}}
{{- $name := .name -}}
{{- if not .namespace -}}
{{- $prefix = "Cluster" -}}
{{- $name = printf "%s-%s" $root.Release.Namespace .name -}}
{{- end -}}
{{- $metadata := dict "root" $root "name" $name "namespace" (.namespace | default "-") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
metadata: {{- include "lanyard.metadata" $metadata | nindent 2 }}
rules: {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
metadata: {{- include "lanyard.metadata" $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "lanyard.serviceAccountName" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- end -}}

{{- /* Permissions in the release's namespace. */ -}}
{{- define "lanyard.ownRules" -}}
# The installation's Lease.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "lanyard.fullname" . }}]
  verbs: [get, update]
# The Secrets of sealing keys and vault keys.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "lanyard.fullname" . }}-sealing-keys, {{ include "lanyard.fullname" . }}-vault-keys]
  verbs: [get, list, watch, update]
# The host settings.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "lanyard.hostsName" . }}]
  verbs: [get, list, watch]
# Events about these keys and the host settings.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- /* The permission that validate: TokenReview needs. */ -}}
{{- define "lanyard.tokenReviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end -}}

{{- /* Permissions in the namespaces that Lanyard watches. Each of them is needed. */ -}}
{{- define "lanyard.rules" -}}
# Resources are read; only their status is written.
- apiGroups: [lanyard.dev]
  resources: [tenants, oidcclients, oidcusers, identityproviders, resourceservers]
  verbs: [get, list, watch]
- apiGroups: [lanyard.dev]
  resources: [tenants/status, oidcclients/status, oidcusers/status, identityproviders/status, resourceservers/status]
  verbs: [patch]
# Signing keys and client secrets are written; passwords and imported keys are read.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, delete]
# Events about an object.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- /* Permissions where Lanyard watches all namespaces. */ -}}
{{- define "lanyard.clusterRules" -}}
{{ include "lanyard.rules" . }}
{{ include "lanyard.namespaceRules" . }}
{{- end -}}

{{- define "lanyard.namespaceRules" -}}
# Labels of namespaces, which a tenant can select clients by.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list, watch]
{{- end -}}

{{- /* Further permissions for dynamic registration. */ -}}
{{- define "lanyard.registrationRules" -}}
- apiGroups: [lanyard.dev]
  resources: [oidcclients]
  verbs: [create, update, delete]
{{- end -}}

{{- /* An endpoint of a ServiceMonitor or PodMonitor from its values. */ -}}
{{- define "lanyard.scrape" -}}
port: admin
path: /metrics
{{- range $field := list "interval" "scrapeTimeout" "honorLabels" "relabelings" "metricRelabelings" }}
{{- with get $ $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* An alert of the PrometheusRule from a dict: values are those of prometheusRule. */ -}}
{{- define "lanyard.alert" -}}
{{- if not (has .name (.values.disabled | default list)) -}}
- alert: {{ .name }}
  expr: |-
    {{- .expr | nindent 4 }}
  for: {{ .for }}
  labels: {{- merge (dict "severity" .severity) (.values.alertLabels | default dict) | toYaml | nindent 4 }}
  annotations:
    summary: {{ .summary | quote }}
    description: {{ .description | quote }}
    runbook: {{ printf "docs/monitoring.md#%s" (lower .name) }}
{{- end -}}
{{- end -}}

{{/* Names or keys and the namespaces that may use each, as in the environment variables. */}}
{{- define "lanyard.secretPermissions" -}}
{{- $entries := list -}}
{{- range . }}{{ $entries = append $entries (printf "%s=%s" (.key | default .name) (join "," .namespaces)) }}{{ end -}}
{{- join ";" $entries -}}
{{- end }}
