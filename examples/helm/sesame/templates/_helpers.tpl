{{- define "sesame.name" -}}
{{- printf "%s-sesame" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sesame.selector" -}}
app.kubernetes.io/name: sesame
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sesame.labels" -}}
{{ include "sesame.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "sesame.keys" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "sesame.name" .)) -}}
{{- end -}}
