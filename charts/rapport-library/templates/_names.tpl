{{/* The name of every object: the same for each release, because peers find each other by it. */}}
{{- define "rapport-library.fullname" -}}
{{- .Values.fullnameOverride | default (printf "rapport-%s" .Chart.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* What a selector may hold: it can never change during the life of a deployment. */}}
{{- define "rapport-library.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rapport-library.labels" -}}
{{ include "rapport-library.selectorLabels" . }}
app.kubernetes.io/part-of: rapport
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "rapport-library.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "rapport-library.fullname" .) -}}
{{- end -}}

{{/* A digest wins over a tag; the umbrella's registry and tag win over the chart's. */}}
{{- define "rapport-library.image" -}}
{{- $global := dig "image" dict (.Values.global | default dict) -}}
{{- $registry := $global.registry | default .Values.image.registry -}}
{{- $tag := $global.tag | default .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{- printf "%s/%s@%s" $registry .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s/%s:%s" $registry .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}
