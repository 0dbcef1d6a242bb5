{{- /* Fails if values contradict each other. Other combinations are refused where they are used, or by
       values.schema.json. */ -}}
{{- define "lanyard.checks" -}}
{{- if not (include "lanyard.sharedStore" .) -}}
{{- if .Values.autoscaling.enabled -}}
{{- fail (printf "autoscaling.enabled: replicas cannot share the store %q; set store.type=postgres or valkey" .Values.store.type) -}}
{{- end -}}
{{- if gt (int .Values.replicas) 1 -}}
{{- fail (printf "replicas: %d replicas cannot share the store %q; set store.type=postgres or valkey, or replicas=1" (int .Values.replicas) .Values.store.type) -}}
{{- end -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas: %d is more than autoscaling.maxReplicas, which is %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- $url := urlParse .Values.baseUrl -}}
{{- $local := or (has $url.hostname (list "localhost" "127.0.0.1" "::1")) (hasSuffix ".localhost" $url.hostname) -}}
{{- if and (eq $url.scheme "http") (not $local) (not .Values.insecureHttpHosts) -}}
{{- fail (printf "baseUrl: %s is not encrypted; use https, or list the host and the namespaces that may use it in insecureHttpHosts" .Values.baseUrl) -}}
{{- end -}}
{{- if include "lanyard.namespacesSelector" . -}}
{{- if .Values.watchNamespaces -}}
{{- fail "watchNamespacesSelector: watchNamespaces is set too; set one of them" -}}
{{- end -}}
{{- if and .Values.registration.enabled (not .Values.registration.namespaces) -}}
{{- fail "registration.namespaces: name the namespaces of the tenants that accept registrations, because watchNamespacesSelector is set" -}}
{{- end -}}
{{- end -}}
{{- if include "lanyard.mtls" . -}}
{{- if not .Values.mtls.url -}}
{{- fail "mtls.url: write the address for applications, such as https://mtls.{host}, because mtls.enabled or mtls.proxy.enabled is set" -}}
{{- end -}}
{{- if not (or .Values.mtls.secretName .Values.tls.secretName) -}}
{{- fail "mtls.secretName: name the Secret with the certificate of the port for certificates, or set tls.secretName" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.mtls.proxy.enabled (not (and .Values.mtls.proxy.caSecretName .Values.mtls.proxy.names)) -}}
{{- fail "mtls.proxy: set caSecretName and names, by which the proxies are known" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "podMonitor.enabled: serviceMonitor.enabled is true too, so every Pod would be scraped twice; enable one of them" -}}
{{- end -}}
{{- end -}}
