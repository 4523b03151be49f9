{{- define "rapport-library.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "rapport-library.serviceAccountName" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}

{{- define "rapport-library.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "rapport-library.fullname" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
data: {{- include "rapport-library.settings" . | nindent 2 }}
{{- end -}}

{{- define "rapport-library.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "rapport-library.fullname" . }}
  labels: {{- include "rapport-library.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "rapport-library.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: service
  template:
    metadata:
      labels:
        {{- include "rapport-library.labels" . | nindent 8 }}
        app.kubernetes.io/component: service
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include "rapport-library.settings" . | sha256sum }}
        prometheus.io/scrape: "true"
        prometheus.io/port: {{ .Values.ports.ops | quote }}
        prometheus.io/path: /metrics
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with include "rapport-library.imagePullSecrets" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      serviceAccountName: {{ include "rapport-library.serviceAccountName" . }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      securityContext: {{- include "rapport-library.podSecurityContext" . | nindent 8 }}
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "rapport-library.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          securityContext: {{- include "rapport-library.containerSecurityContext" . | nindent 12 }}
          ports:
            {{- range $name, $port := .Values.ports }}
            - name: {{ $name }}
              containerPort: {{ $port }}
              protocol: TCP
            {{- end }}
          envFrom:
            - configMapRef:
                name: {{ include "rapport-library.fullname" . }}
          env:
            {{- include "rapport-library.identityEnv" . | nindent 12 }}
            {{- include "rapport-library.secretEnv" . | trim | nindent 12 }}
          {{- include "rapport-library.probes" . | nindent 10 }}
          resources: {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts: {{- include "rapport-library.volumeMounts" . | nindent 12 }}
      volumes: {{- include "rapport-library.volumes" . | nindent 8 }}
      topologySpreadConstraints:
        {{- range $key, $unsatisfiable := .Values.topologySpread }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: {{ $unsatisfiable }}
          labelSelector:
            matchLabels:
              {{- include "rapport-library.selectorLabels" $ | nindent 14 }}
              app.kubernetes.io/component: service
          matchLabelKeys:
            - pod-template-hash
        {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}
