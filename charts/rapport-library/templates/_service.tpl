{{/* Headless for gRPC: a client resolves every pod and balances by itself; behind one address it would stick to one. */}}
{{- define "rapport-library.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "rapport-library.fullname" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  {{- if hasKey .Values.ports "grpc" }}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "rapport-library.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: service
  ports:
    {{- range $name, $port := .Values.ports }}
    - name: {{ $name }}
      port: {{ ternary 80 $port (eq $name "http") }}
      targetPort: {{ $name }}
      protocol: TCP
      {{- if eq $name "grpc" }}
      appProtocol: grpc
      {{- else }}
      appProtocol: http
      {{- end }}
    {{- end }}
{{- end -}}

{{- define "rapport-library.ingress" -}}
{{- $ingress := .Values.ingress | default dict }}
{{- if $ingress.enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "rapport-library.fullname" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
  {{- with $ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  tls:
    - hosts:
        - {{ required "ingress.host is required" $ingress.host }}
      secretName: {{ required "ingress.tlsSecretName is required: the console is served over TLS only" $ingress.tlsSecretName }}
  rules:
    - host: {{ $ingress.host }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ include "rapport-library.fullname" . }}
                port:
                  name: http
{{- end }}
{{- end -}}
