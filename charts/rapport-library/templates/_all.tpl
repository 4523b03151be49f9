{{/* Everything a service is deployed with, as one stream of documents. */}}
{{- define "rapport-library.all" -}}
{{- $parts := list
  "serviceAccount" "configMap" "deployment" "service" "ingress"
  "podDisruptionBudget" "horizontalPodAutoscaler" "defaultDeny" "networkPolicy" "migration" -}}
{{- range $parts }}
{{- $text := include (printf "rapport-library.%s" .) $ | trim }}
{{- if $text }}
---
{{ $text }}
{{- end }}
{{- end }}
{{- end -}}
