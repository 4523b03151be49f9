{{/* Settings that are no secret, one `NAME: value` line each. */}}
{{- define "rapport-library.settings" -}}
{{- $global := .Values.global | default dict -}}
{{- $settings := dict "NODE_ENV" "production" -}}
{{- range $name, $port := .Values.ports -}}
{{- $_ := set $settings (printf "%s_ADDRESS" (upper $name)) (printf "0.0.0.0:%d" (int $port)) -}}
{{- end -}}
{{- $_ := set $settings "NODE_OPTIONS" (printf "--max-old-space-size-percentage=%d" (int .Values.heapPercentage)) -}}
{{- $_ := set $settings "OTEL_SERVICE_NAME" (include "rapport-library.fullname" .) -}}
{{- $endpoint := $global.otlpEndpoint | default .Values.telemetry.otlpEndpoint -}}
{{- if $endpoint -}}
{{- $_ := set $settings "OTEL_EXPORTER_OTLP_ENDPOINT" $endpoint -}}
{{- $_ := set $settings "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" -}}
{{- $_ := set $settings "OTEL_TRACES_SAMPLER_ARG" (toString .Values.telemetry.sampleRatio) -}}
{{- else -}}
{{- $_ := set $settings "OTEL_TRACES_EXPORTER" "none" -}}
{{- end -}}
{{- range $name, $value := .Values.peers -}}
{{- $_ := set $settings $name $value -}}
{{- end -}}
{{- $shared := $global.config | default dict -}}
{{- range $name, $value := .Values.config -}}
{{- $chosen := ternary (get $shared $name) $value (hasKey $shared $name) -}}
{{- /* A number of a million and more would be written as 1e+06. */ -}}
{{- if and (kindIs "float64" $chosen) (eq (floor $chosen) $chosen) -}}
{{- $chosen = int64 $chosen -}}
{{- end -}}
{{- if ne (toString $chosen) "" -}}
{{- $_ := set $settings $name (toString $chosen) -}}
{{- end -}}
{{- end -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $settings "TLS_CERT_FILE" "/var/run/rapport/tls/tls.crt" -}}
{{- $_ := set $settings "TLS_KEY_FILE" "/var/run/rapport/tls/tls.key" -}}
{{- $_ := set $settings "TLS_CA_FILE" "/var/run/rapport/tls/ca.crt" -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* References to secrets: a value from the environment, or the path of a mounted file. */}}
{{- define "rapport-library.secretEnv" -}}
{{- range $name, $secret := .Values.secrets }}
{{- if $secret.name }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}
{{- end }}
{{- range $name, $secret := .Values.secretFiles }}
{{- if $secret.name }}
- name: {{ $name }}
  value: /var/run/rapport/{{ $name | lower | replace "_" "-" }}/{{ $secret.key }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where the traces say that they come from. */}}
{{- define "rapport-library.identityEnv" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.namespace=rapport,service.version={{ .Chart.AppVersion }},k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)
{{- end -}}

{{- define "rapport-library.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range $name, $secret := .Values.secretFiles }}
{{- if $secret.name }}
- name: {{ $name | lower | replace "_" "-" }}
  mountPath: /var/run/rapport/{{ $name | lower | replace "_" "-" }}
  readOnly: true
{{- end }}
{{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  mountPath: /var/run/rapport/tls
  readOnly: true
{{- end }}
{{- end -}}

{{- define "rapport-library.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.temporarySize }}
{{- range $name, $secret := .Values.secretFiles }}
{{- if $secret.name }}
- name: {{ $name | lower | replace "_" "-" }}
  secret:
    secretName: {{ $secret.name }}
    defaultMode: 0440
    items:
      - key: {{ $secret.key }}
        path: {{ $secret.key }}
{{- end }}
{{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ .Values.tls.secretName }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* Fixed: no value can loosen it. */}}
{{- define "rapport-library.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "rapport-library.containerSecurityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
capabilities:
  drop:
    - ALL
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/*
The kubelet's gRPC probe speaks no TLS, so readiness asks HTTP when certificates are configured. Both answer from the
same health state.
*/}}
{{- define "rapport-library.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: ops
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: {{ div (add 1 (int .Values.probes.startupSeconds)) 2 }}
livenessProbe:
  httpGet:
    path: /livez
    port: ops
  periodSeconds: {{ .Values.probes.livenessPeriodSeconds }}
  timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
  failureThreshold: 3
readinessProbe:
  {{- if and (hasKey .Values.ports "grpc") (not .Values.tls.secretName) }}
  grpc:
    port: {{ .Values.ports.grpc }}
  {{- else }}
  httpGet:
    path: /readyz
    port: ops
  {{- end }}
  periodSeconds: {{ .Values.probes.readinessPeriodSeconds }}
  timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
  failureThreshold: 2
{{- end -}}

{{- define "rapport-library.imagePullSecrets" -}}
{{- $global := dig "image" dict (.Values.global | default dict) -}}
{{- $secrets := $global.pullSecrets | default .Values.image.pullSecrets -}}
{{- with $secrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
