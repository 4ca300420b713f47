{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}
{{- define "monitored" -}}
{{- include "metadata" . }}
{{- with .Values.prometheusOperator.labels }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
