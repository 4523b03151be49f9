{{/*
Runs `migrate` before the new version starts, on install and on upgrade. The hook runs before the release's own objects
exist, so it brings its own service account and network policy and takes its settings inline. Migrations are written so
that the version still running works on the new schema.
*/}}
{{- define "rapport-library.migration" -}}
{{- if (.Values.migration | default dict).enabled }}
{{- $name := printf "%s-migrate" (include "rapport-library.fullname" .) }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
  annotations: {{- include "rapport-library.hook" "-10" | nindent 4 }}
automountServiceAccountToken: false
{{- if .Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
  annotations: {{- include "rapport-library.hook" "-10" | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "rapport-library.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: migration
  policyTypes:
    - Ingress
    - Egress
  egress: {{- include "rapport-library.egress" . | nindent 4 }}
{{- end }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
  annotations: {{- include "rapport-library.hook" "0" | nindent 4 }}
spec:
  backoffLimit: {{ .Values.migration.backoffLimit }}
  activeDeadlineSeconds: {{ .Values.migration.activeDeadlineSeconds }}
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      labels:
        {{- include "rapport-library.labels" . | nindent 8 }}
        app.kubernetes.io/component: migration
    spec:
      {{- with include "rapport-library.imagePullSecrets" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      restartPolicy: Never
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: {{- include "rapport-library.podSecurityContext" . | nindent 8 }}
      containers:
        - name: migrate
          image: {{ include "rapport-library.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args:
            - migrate
          securityContext: {{- include "rapport-library.containerSecurityContext" . | nindent 12 }}
          env:
            {{- range $key, $value := include "rapport-library.settings" . | fromYaml }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
            {{- include "rapport-library.identityEnv" . | nindent 12 }}
            {{- include "rapport-library.secretEnv" . | trim | nindent 12 }}
          resources: {{- toYaml .Values.migration.resources | nindent 12 }}
          volumeMounts: {{- include "rapport-library.volumeMounts" . | nindent 12 }}
      volumes: {{- include "rapport-library.volumes" . | nindent 8 }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "rapport-library.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
