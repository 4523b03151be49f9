{{/* Nothing in, nothing out, for every pod of this chart; whatever follows opens one named path. */}}
{{- define "rapport-library.defaultDeny" -}}
{{- if .Values.networkPolicy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "rapport-library.fullname" . }}-default-deny
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "rapport-library.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
{{- end }}
{{- end -}}

{{- define "rapport-library.networkPolicy" -}}
{{- if .Values.networkPolicy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "rapport-library.fullname" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "rapport-library.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: service
  policyTypes:
    - Ingress
    - Egress
  ingress:
    {{- if .Values.networkPolicy.callers }}
    - from:
        {{- range .Values.networkPolicy.callers }}
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ . }}
              app.kubernetes.io/part-of: rapport
        {{- end }}
      ports:
        - port: grpc
          protocol: TCP
    {{- end }}
    {{- with .Values.networkPolicy.publicFrom }}
    - from: {{- toYaml . | nindent 8 }}
      ports:
        - port: {{ ternary "http" "grpc" (hasKey $.Values.ports "http") }}
          protocol: TCP
    {{- end }}
    {{- with .Values.networkPolicy.metricsFrom }}
    - from: {{- toYaml . | nindent 8 }}
      ports:
        - port: ops
          protocol: TCP
    {{- end }}
  egress: {{- include "rapport-library.egress" . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* Names are resolved, peers and stores are reached, and that is all. */}}
{{- define "rapport-library.egress" -}}
- to: {{- toYaml .Values.networkPolicy.dnsTo | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- range $name, $address := .Values.peers }}
- to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ $name | trimSuffix "_ADDRESS" | lower }}
          app.kubernetes.io/part-of: rapport
  ports:
    - port: {{ splitList ":" $address | last | int }}
      protocol: TCP
{{- end }}
{{- range $name, $rule := .Values.networkPolicy.egress }}
{{- if $rule.to }}
- to: {{- toYaml $rule.to | nindent 4 }}
  ports:
    - port: {{ $rule.port }}
      protocol: TCP
{{- end }}
{{- end }}
{{- end -}}
