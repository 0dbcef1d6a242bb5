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

{{- define "lanyard.labels" -}}
{{ include "lanyard.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lanyard.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lanyard.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The base URL's host, without the port. */ -}}
{{- define "lanyard.host" -}}
{{- (urlParse .Values.baseUrl).hostname -}}
{{- end -}}

{{- /* Whether replicas can share the store. */ -}}
{{- define "lanyard.sharedStore" -}}
{{- if not (has .Values.store.type (list "memory" "embedded")) -}}true{{- end -}}
{{- end -}}

{{- /* Permissions in the namespaces that Lanyard watches. Each of them is needed. */ -}}
{{- define "lanyard.rules" -}}
# Resources are read; only their status is written.
- apiGroups: [lanyard.dev]
  resources: [tenants, oidcclients, oidcusers]
  verbs: [get, list, watch]
- apiGroups: [lanyard.dev]
  resources: [tenants/status, oidcclients/status, oidcusers/status]
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

{{- /* Further permissions for dynamic registration. */ -}}
{{- define "lanyard.registrationRules" -}}
- apiGroups: [lanyard.dev]
  resources: [oidcclients]
  verbs: [create, update, delete]
{{- end -}}
